"""What each cause of a finding means, and what to do about it."""

from __future__ import annotations

from typing import cast, get_args

from harness.flow.terms import Bar, Op
from harness.records import Finding

ORDER = (
    "digest_mismatch", "unplanned_retry", "error", "stale", "missing_metric", "undefined",
    "unscored", "no_spread", "insufficient_n", "evidence",
)  # fmt: skip
"""Which to see to first: what no further sample can change comes before what one can."""

_MEANS = {
    "evidence": (
        "the numbers decide: the whole interval is on the wrong side of the limit",
        "mend the model, or the outputs named in the report; more prompts do not help",
    ),
    "insufficient_n": (
        "the sample is too small: the limit lies inside the interval",
        "ask more prompts; samples of the same prompts hardly narrow it",
    ),
    "missing_metric": (
        "nothing in the run measures what the rule speaks of",
        "add the scorer to the suite, or correct the metric's name in the rule",
    ),
    "unscored": (
        "more outputs lack a score than the rule allows",
        "run the suite again: finished work is kept, and only what failed is redone; what is "
        "broken or `unsupported` cannot be scored until it is replaced",
    ),
    "undefined": (
        "the number does not exist for these outputs",
        "look at the outputs: there may be nothing in them to measure",
    ),
    "no_spread": (
        "all prompts agree, which bounds nothing for a number without a declared range",
        "ask more various prompts",
    ),
    "error": ("no number could be compared", "mend what the message names, and judge again"),
    "stale": ("a document is older than the rule allows", "renew it and have it signed again"),
    "digest_mismatch": (
        "this is not the suite, scorer, model or document that the policy names",
        "judge a run of what the policy names, made in the same way",
    ),
    "unplanned_retry": (
        "the same model was tried before under this policy and failed, or its seed was free",
        "change the model, or plan `attempts` in the policy before the first try",
    ),
}
_BEYOND = (
    "the value seen is itself on the wrong side of the limit, though not provably so",
    "mend the model; more prompts would sooner make it a fail",
)
_EMPTY = (
    "no prompt of the run is in this slice, so there is nothing to decide on",
    "tag prompts so, by `tags` or `tag_columns` of the suite, or correct `slices` in the rule",
)
_NOBODY = {
    "champion": (
        "it is compared with the champion, and no champion's run is known",
        "judge again with `--champion RUN`; where nothing is served yet, with "
        "`--champion none`, and say so in the rule by `if_absent`",
    ),
    "anchor": (
        "the frozen run it is compared with is not beside this one",
        "bring the folder of the run with that seal beside this one, and judge again",
    ),
}
_NO_ARM = (
    "the run has no such arm to compare with",
    "add it to the suite, or correct `against` in the rule",
)
_OF_KIND = {
    ("evidence", "coverage"): (
        "the suite asks too few prompts of some kind",
        "add the prompts that the message counts, and run the suite again",
    ),
    ("evidence", "document"): (
        "too few of those who may sign have signed",
        "have it signed, and judge again",
    ),
    ("missing_metric", "document"): (
        "the document was not there when the run was judged",
        "put it beside the policy, have it signed, and judge again",
    ),
    ("insufficient_n", "evidence"): (
        "the suite asks fewer distinct prompts than the policy wants",
        "add prompts, and run the suite again",
    ),
    ("evidence", "conform"): (
        "one output that does not conform is one too many",
        "mend the model: nothing is estimated here",
    ),
}


def meaning(finding: Finding) -> tuple[str, str]:
    """Say what a finding's cause means, and the remedy."""
    if finding.outcome == "waived":
        return "a waiver excuses it until it runs out", "mend it before then"
    if finding.cause == "insufficient_n" and _beyond(finding):
        return _BEYOND
    if finding.cause == "insufficient_n" and _empty(finding):
        return _EMPTY
    if finding.cause == "missing_metric" and finding.kind == "compare" and finding.asked:
        return _NOBODY.get(finding.against.partition(":")[0], _NO_ARM)
    own = _OF_KIND.get((finding.cause, finding.kind)) or _MEANS.get(finding.cause)
    return own or (finding.message or finding.cause, "")


def _empty(finding: Finding) -> bool:
    """Whether it is about outputs, and there was none."""
    planned = finding.n + finding.missing
    return finding.kind in ("require", "compare", "conform") and planned == 0


def _beyond(finding: Finding) -> bool:
    """Whether the value itself is on the wrong side, though its bounds do not prove it."""
    if finding.kind != "require" or finding.value is None or finding.op not in get_args(Op):
        return False
    bar = Bar(cast("Op", finding.op), finding.limit)
    return bar.reading(finding.value, finding.value) == "fail"


def urgency(finding: Finding) -> tuple[int, int, int]:
    """Order findings by what decides the verdict first: fails, then by cause, then by need."""
    place = ORDER.index(finding.cause) if finding.cause in ORDER else len(ORDER)
    return (finding.outcome != "fail", place, -(finding.needed or 0))
