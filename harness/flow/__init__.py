"""What happens: one module per verb, each with one public function of that name.

`run.py` is the file to read first. The way to a verdict is `rules` (what it is
judged by), `stored` (what a run has measured), `evidence` (all of it together),
`judge` with `rulings`, `comparisons`, `checks` and `waive`, and `assess`, which
writes it down.

A verdict rests on nothing outside the run's folder: the runs it is compared
with, signed documents, waivers and earlier attempts are copied there and
sealed. So it can be derived again anywhere, which a path or a server's name
would not allow.

A sequential run is not a fixed run that was cut short: its plan holds the looks
it may take, so that it has a digest and a folder of its own and is always
judged by bounds that hold at every look. Rates and bounded means have betting
bounds; other numbers share the error among the looks. What is exact about the
whole plan (a count, a census, a point estimate) waits for its end.
"""
