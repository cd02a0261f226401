"""Intervals: each file holds one way of saying how sure a number is.

Every bound is one-sided at its own confidence. Prompts are the clusters:
repeats of a prompt are not independent, so evidence is counted in prompts. No
interval here may collapse because nothing was seen: zero findings in 30 prompts
bound a rate below 9.6 %, never at 0. `harness.metrics.estimate` picks the one
that fits a metric's kind; nobody else chooses.
"""
