"""What to do about a rule that holds a release back, by what stands in its way."""

from __future__ import annotations

from harness.reporters.findings import Row, RuleRows
from harness.reporters.wording import count, number, told

_REMEDY = {
    "missing_metric": "add a scorer that measures {metric}, or correct the rule's metric",
    "unscored": (
        "resume the run where scoring failed; what is broken or `unsupported` no resumed run "
        "can score: replace those outputs, or mend the reference they are held against"
    ),
    "error": "mend what failed, then resume the run",
    "stale": "score again with the current scorers",
    "digest_mismatch": "compare only what was made with the same suite and scorers",
    "unplanned_retry": "change the model, or plan its `attempts` in the policy beforehand",
}
_OF_KIND = {
    ("document", "missing_metric"): "write it, have it signed, and judge again",
    ("document", "stale"): "renew it and have it signed again",
    ("compare", "missing_metric"): "bring a run to compare with that measures {metric} too",
    ("evidence", "digest_mismatch"): "judge a run of what the policy's `evidence` names",
    ("evidence", "insufficient_n"): "run a suite with at least as many prompts",
}
_ITSELF = ("coverage", "document")


def remedies(rule: RuleRows) -> list[str]:
    """Say what would decide or mend a rule, the most pressing first."""
    found = []
    failed = [row for row in rule.rows if row.finding.outcome == "fail"]
    if failed:
        found.append(_mend(failed))
    wanting = [row for row in rule.rows if row.finding.needed is not None]
    if wanting:
        row = max(wanting, key=lambda row: row.finding.needed or 0)
        found.append(
            f"To decide {row.finding.rule} in {row.place}: about "
            f"{count(row.finding.needed or 0, 'prompt')} at the rate seen; "
            f"this run had {row.finding.clusters:,}."
        )
    elif rule.worst.finding.cause == "insufficient_n" and not failed:
        found += _hopeless(rule.worst)
    return found + _by_cause(rule)


def ended(text: str) -> str:
    """End a text as a sentence does."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _mend(failed: list[Row]) -> str:
    finding = failed[0].finding
    if finding.kind in _ITSELF:
        return ended(f"Complete what {finding.rule} asks for: {told(finding) or finding.cause}")
    shown = "; ".join(row.place for row in failed[:3])
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
    return f"Fix or drop what breaks {finding.rule}: {shown}{more}."


def _hopeless(row: Row) -> list[str]:
    """Say what stands in the way where no number of prompts can be named."""
    finding = row.finding
    if finding.kind == "evidence":
        return []  # its cause says what to do
    if told(finding):
        return [ended(f"For {finding.rule} in {row.place}: {told(finding)}")]
    if finding.kind == "compare" and finding.point == "pass":
        return [
            f"For {finding.rule} in {row.place}: more prompts would narrow the difference; "
            "how many it takes cannot be said beforehand."
        ]
    return [
        f"For {finding.rule}: no number of prompts would show a pass "
        f"at the {number(finding.value)} seen in {row.place}."
    ]


def _by_cause(rule: RuleRows) -> list[str]:
    causes = {row.finding.cause for row in rule.rows if row.finding.outcome == "inconclusive"}
    worst = rule.worst.finding
    known = (_OF_KIND.get((worst.kind, cause), _REMEDY.get(cause)) for cause in sorted(causes))
    return [f"For {worst.rule}: {one.format(metric=worst.metric)}." for one in known if one]
