"""Reporters: one finished run, told to a person, a pull request, a program and a CI server.

Every reporter is a pure function of the `RunView`: no clock, no file, no
model, so a stored run can be rendered again to the same bytes. Findings are
gathered once, in `findings`, and what a verdict means in words is decided once,
in `decision`; all formats repeat them. What a person excuses is never told like
a pass: a pass that rests on waivers says so in its first sentence.

Generated text is hostile until shown otherwise. It reaches the HTML page only
through an auto-escaping template whose every value passes `visible`, under a
content security policy that allows one hashed style sheet and nothing else.
It does not reach the Markdown summary at all: that is pasted where others
render it. Figures are SVG drawn here, so the page needs no script.
"""
