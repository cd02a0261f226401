"""Policies themselves, apart from any verdict: one module for each command.

`plan` says what sample each rule takes (with `sizes`, `wants` and `pilot`),
`trial` tries a policy on planted evidence and looks for dead rules (with
`fixtures`, `models`, `planted`, `mutation` and `candidates`), `explain` says
what would change a verdict (with `changes` and `causes`), and `diff` what
changed between two policies (with `strictness`). `traits` is what is known of a
metric before it is measured, and `places` where a rule is written.

None of them decides anything: they ask `judge`, and the same bounds.
"""
