"""What the verdict says, why, and what to do next: the words all formats repeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from harness.records import Finding, Outcome, RunView, Severity
from harness.reporters.wording import bound_used, count, everything, limit, number, told

_WORST: tuple[Outcome, ...] = ("fail", "inconclusive", "waived", "not_applicable", "pass")
_GRAVEST: tuple[Severity, ...] = ("legal", "block", "warn", "observe")
_REMEDY = {
    "missing_metric": "add a scorer that measures {metric}, or correct the rule's metric",
    "unscored": "resume the run until the outputs without a score have one",
    "error": "mend what failed, then resume the run",
    "stale": "score again with the current scorers",
    "digest_mismatch": "compare only what was made with the same suite and scorers",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One finding with the arm it speaks of."""

    arm: str
    finding: Finding
    decide: str

    @property
    def blocks(self) -> bool:
        """Whether the rule can stop a release."""
        return _stops(self.finding)

    @property
    def place(self) -> str:
        """The arm, and the slice where the rule speaks of one."""
        part = self.finding.slice
        return self.arm if everything(part) else f"{self.arm}, {part}"


@dataclass(frozen=True, slots=True)
class RuleRows:
    """One rule with all its findings, the worst first."""

    rows: tuple[Row, ...]
    confidence: str

    @property
    def worst(self) -> Row:
        """The finding that decides how the rule stands."""
        return self.rows[0]


@dataclass(frozen=True, slots=True)
class Arm:
    """One generator under one strategy, with its blocking findings counted by outcome."""

    generator: str
    strategy: str
    outcome: Outcome
    blocking: Mapping[str, int]
    warnings: int


def arm_names(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name each (generator, strategy), in the order met, by what tells it apart."""
    known = list(dict.fromkeys(pairs))
    generators, strategies = ({pair[i] for pair in known} for i in (0, 1))
    if len(generators) == 1 and len(strategies) > 1:
        return {pair: pair[1] for pair in known}
    if len(strategies) == 1 and len(generators) > 1:
        return {pair: pair[0] for pair in known}
    return {pair: f"{pair[0]} · {pair[1]}" for pair in known}


def arms(run: RunView) -> tuple[Arm, ...]:
    """Count each arm's blocking findings by outcome, in the order of the verdicts."""
    return tuple(
        Arm(
            generator=verdict.generator,
            strategy=verdict.strategy,
            outcome=verdict.outcome,
            blocking={
                outcome: sum(_stops(f) and f.outcome == outcome for f in verdict.findings)
                for outcome in _WORST
            },
            warnings=sum(
                not _stops(f) and f.outcome in ("fail", "inconclusive")
                for f in verdict.findings
            ),
        )
        for verdict in run.verdicts
    )


def rules(run: RunView) -> tuple[RuleRows, ...]:
    """Gather findings by rule: the gravest and worst rule first, then by name."""
    names = arm_names((v.generator, v.strategy) for v in run.verdicts)
    settings = _settings(run.policy)
    rows = [
        Row(
            names[verdict.generator, verdict.strategy],
            finding,
            settings.get(finding.rule, ("bound", ""))[0],
        )
        for verdict in run.verdicts
        for finding in verdict.findings
    ]
    rows.sort(key=lambda row: row.finding.rule)
    gathered = [
        RuleRows(
            tuple(sorted(group, key=_badness)),
            settings.get(rule, ("bound", ""))[1],
        )
        for rule, group in groupby(rows, key=lambda row: row.finding.rule)
    ]
    return tuple(sorted(gathered, key=_order))


def sentence(run: RunView) -> str:
    """Say in plain words what the outcome means."""
    if run.outcome is None:
        return "No policy was applied, so nothing here is a pass."
    if not run.verdicts:
        return "No arm was judged, so there is no evidence to rest a verdict on."
    fixed = {
        "waived": "A rule does not hold and a waiver excuses it. This is not a pass.",
        "not_applicable": "No rule applies to this run. This is not a pass.",
    }
    if run.outcome in fixed:
        return fixed[run.outcome]
    if run.outcome == "pass":
        warnings = sum(arm.warnings for arm in arms(run))
        return "Every blocking rule holds in every arm." + (
            f" {count(warnings, 'warning')} to read." if warnings else ""
        )
    return _not_passed(run)


def reasons(run: RunView) -> tuple[str, ...]:
    """Say why: one sentence for each blocking rule that failed or stayed undecided."""
    return tuple(_reason(rule) for rule in rules(run) if _holds_up(rule.worst))


def steps(run: RunView) -> tuple[str, ...]:
    """Say what to do next, the most pressing first."""
    if run.outcome is None:
        return ("Judge this run under a policy; nothing needs to be generated again.",)
    if not run.verdicts:
        return ("Generate and score at least one arm, then judge again.",)
    held = [rule for rule in rules(run) if _holds_up(rule.worst)]
    found = [step for rule in held for step in _steps(rule)]
    passing = [arm for arm in run.verdicts if arm.outcome == "pass"]
    if run.outcome != "pass" and passing:
        names = arm_names((v.generator, v.strategy) for v in run.verdicts)
        listed = ", ".join(names[arm.generator, arm.strategy] for arm in passing)
        found.append(f"Passing as they are: {listed}.")
    return tuple(found)


def _not_passed(run: RunView) -> str:
    held = [rule for rule in rules(run) if _holds_up(rule.worst)]
    broken = [rule for rule in held if rule.worst.finding.outcome == "fail"]
    arms_hit = sum(v.outcome not in ("pass", "waived", "not_applicable") for v in run.verdicts)
    where = f"{arms_hit} of {count(len(run.verdicts), 'arm')}"
    undecided = len(held) - len(broken)
    if run.outcome == "fail" and broken:
        more = f" {count(undecided, 'more rule')} could not be decided." if undecided else ""
        return (
            f"Not ready: {count(len(broken), 'blocking rule')} broken, {where} held back.{more}"
        )
    if undecided:
        return (
            f"The evidence cannot decide {count(undecided, 'blocking rule')}; "
            f"{where} held back. This is not a pass."
        )
    return "No blocking rule was decided on evidence. This is not a pass."


def _reason(rule: RuleRows) -> str:
    worst = rule.worst.finding
    name, shown = bound_used(worst, rule.worst.decide)
    places = [row for row in rule.rows if row.finding.outcome == worst.outcome]
    verb = "is broken" if worst.outcome == "fail" else "is undecided"
    spread = f" in {len(places)} of {len(rule.rows)} findings" if len(rule.rows) > 1 else ""
    text = f"{worst.rule} {verb}{spread}: {worst.metric} must be {limit(worst)}"
    if told(worst):
        return _ended(f"{text}; in {rule.worst.place}, {told(worst)}")
    return f"{text}; in {rule.worst.place} it is {number(worst.value)}, {name} {shown}."


def _steps(rule: RuleRows) -> list[str]:
    found = []
    failed = [row for row in rule.rows if row.finding.outcome == "fail"]
    if failed:
        shown = "; ".join(row.place for row in failed[:3])
        more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
        found.append(f"Fix or drop what breaks {rule.worst.finding.rule}: {shown}{more}.")
    wanting = [row for row in rule.rows if row.finding.needed is not None]
    if wanting:
        row = max(wanting, key=lambda row: row.finding.needed or 0)
        found.append(
            f"To decide {row.finding.rule} in {row.place}: about {row.finding.needed:,} "
            f"prompts at the rate seen; this run had {row.finding.clusters:,}."
        )
    elif rule.worst.finding.cause == "insufficient_n" and not failed:
        found.append(_hopeless(rule.worst))
    causes = {row.finding.cause for row in rule.rows if row.finding.outcome == "inconclusive"}
    for cause in sorted(causes & _REMEDY.keys()):
        remedy = _REMEDY[cause].format(metric=rule.worst.finding.metric)
        found.append(f"For {rule.worst.finding.rule}: {remedy}.")
    return found


def _hopeless(row: Row) -> str:
    """Say what stands in the way where no number of prompts can be named."""
    finding = row.finding
    if told(finding):
        return _ended(f"For {finding.rule} in {row.place}: {told(finding)}")
    return (
        f"For {finding.rule}: no number of prompts would show a pass "
        f"at the {number(finding.value)} seen in {row.place}."
    )


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _order(rule: RuleRows) -> tuple[bool, int, int, str]:
    worst = rule.worst
    return (
        not worst.blocks,
        _WORST.index(worst.finding.outcome),
        _GRAVEST.index(worst.finding.severity),
        worst.finding.rule,
    )


def _badness(row: Row) -> tuple[int, float]:
    """Order by outcome, then by how far the bound lies past the limit; no bound comes first."""
    finding = row.finding
    past = []
    if finding.op != ">=" and finding.high is not None:
        past.append(finding.high - finding.limit)
    if finding.op != "<=" and finding.low is not None:
        past.append(finding.limit - finding.low)
    return _WORST.index(finding.outcome), -max(past, default=float("inf"))


def _holds_up(row: Row) -> bool:
    return row.blocks and row.finding.outcome in ("fail", "inconclusive")


def _stops(finding: Finding) -> bool:
    return finding.severity in ("legal", "block")


def _settings(policy: Mapping[str, Any] | None) -> dict[str, tuple[str, str]]:
    """How each rule decides and at which confidence, from the policy as it was checked."""
    defaults = (policy or {}).get("defaults") or {}
    return {
        rule["id"]: (
            rule.get("decide") or defaults.get("decide") or "bound",
            number(rule.get("confidence") or defaults.get("confidence")),
        )
        for rule in (policy or {}).get("rules") or ()
    }
