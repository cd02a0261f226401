"""What was asked: suites, policies, waivers and prompts, read from files and checked.

The policy language is the design's, with these additions. `why` is the reason
a limit was chosen, printed beside every verdict. `slices.only` exists because
a scorer that reads English cannot certify Chinese, and `slices.family` names
the correction of fails. `decide: both` holds a rule to both readings. A rule
asks one of five things (`require`, `compare`, `conform`, `coverage`,
`document`); limits on rates, means, quantiles, distances and counts are all
`require`, because a metric's own kind brings its interval. `compare.if_absent`
lets a first release pass, and only where somebody established that nothing is
served. `attempts` are planned in the policy and each is held to a bound that
is stricter by their number. A policy is flattened when it is read: what is
judged, stored and digested has no `extends` left.
"""
