"""What was asked: suites, policies and prompts, read from files and checked.

The policy language here is the part issue by issue needs: requirements on
metrics. Its keys are those of the design, so that extends, waivers and
comparisons add to it and undo nothing. Two keys are ours: `why`, the reason a
threshold was chosen, printed beside every verdict; and `slices.only`, because
a scorer that reads English cannot certify Chinese and a policy must be able to
say which slice a rule speaks of.
"""
