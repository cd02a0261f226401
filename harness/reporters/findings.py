"""Findings gathered for reading: by rule and by arm, the gravest and the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from harness.records import Finding, Outcome, RunView, Severity
from harness.reporters.terms import Terms, terms
from harness.reporters.wording import everything, requirement

WORST: tuple[Outcome, ...] = ("fail", "inconclusive", "waived", "not_applicable", "pass")
EVERY_ARM = "every arm"
_GRAVEST: tuple[Severity, ...] = ("legal", "block", "warn", "observe")
_OF_THE_RUN = ("coverage", "document", "evidence")


@dataclass(frozen=True, slots=True)
class Row:
    """One finding with the arm it speaks of; `origin` says from what a difference is taken."""

    arm: str
    finding: Finding
    origin: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the rule can stop a release."""
        return stops(self.finding)

    @property
    def place(self) -> str:
        """The arm, and the slice where the rule speaks of one."""
        part = self.finding.slice
        return self.arm if everything(part) else f"{self.arm}, {part}"


@dataclass(frozen=True, slots=True)
class RuleRows:
    """One rule with its findings, the worst first."""

    rows: tuple[Row, ...]
    confidence: str

    @property
    def worst(self) -> Row:
        """The finding that decides how the rule stands."""
        return self.rows[0]

    @property
    def requirement(self) -> str:
        """What the rule asks, in the words of the first finding that has some."""
        told = (row.finding for row in self.rows if row.finding.asked)
        return requirement(next(told, self.worst.finding))

    @property
    def origin(self) -> str:
        """What its numbers are differences from; empty where they are none."""
        return ", or ".join(sorted({row.origin for row in self.rows if row.origin}))


@dataclass(frozen=True, slots=True)
class Arm:
    """One generator under one strategy, with its blocking findings counted by outcome."""

    generator: str
    strategy: str
    outcome: Outcome
    blocking: Mapping[str, int]
    warnings: int


@dataclass(frozen=True, slots=True)
class Exempt:
    """A rule that does not apply, why, and where."""

    rule: str
    reason: str
    places: tuple[str, ...]


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
                outcome: sum(stops(f) and f.outcome == outcome for f in verdict.findings)
                for outcome in WORST
            },
            warnings=sum(
                not stops(f) and f.outcome in ("fail", "inconclusive") for f in verdict.findings
            ),
        )
        for verdict in run.verdicts
    )


def rules(run: RunView) -> tuple[RuleRows, ...]:
    """Gather findings by rule: the gravest and worst rule first, then by name.

    What a rule says of the run itself, the same in every arm, is one row.
    """
    known = terms(run.policy)
    rows = _merged(_rows(run, known), {(v.generator, v.strategy) for v in run.verdicts})
    rows.sort(key=lambda row: row.finding.rule)
    gathered = [
        RuleRows(tuple(sorted(group, key=_badness)), known.get(rule, Terms()).confidence)
        for rule, group in groupby(rows, key=lambda row: row.finding.rule)
    ]
    return tuple(sorted(gathered, key=_order))


def applying(found: Sequence[RuleRows]) -> tuple[RuleRows, ...]:
    """Leave out findings that do not apply, and rules of which nothing else is left."""
    kept = (
        replace(rule, rows=tuple(row for row in rule.rows if not _exempt(row)))
        for rule in found
    )
    return tuple(rule for rule in kept if rule.rows)


def exempt(found: Sequence[RuleRows]) -> tuple[Exempt, ...]:
    """Gather what does not apply by rule and reason, in the order of the rules' names."""
    gathered: dict[tuple[str, str], list[str]] = {}
    for rule in found:
        for row in filter(_exempt, rule.rows):
            key = (row.finding.rule, row.finding.message or row.finding.cause)
            gathered.setdefault(key, []).append(row.place)
    return tuple(
        Exempt(rule, reason, tuple(dict.fromkeys(places)))
        for (rule, reason), places in sorted(gathered.items())
    )


def waived(run: RunView) -> tuple[Finding, ...]:
    """Find what would hold the release back if no waiver excused it."""
    every = (finding for verdict in run.verdicts for finding in verdict.findings)
    return tuple(f for f in every if stops(f) and f.outcome == "waived")


def stops(finding: Finding) -> bool:
    """Whether a finding's rule can stop a release."""
    return finding.severity in ("legal", "block")


def _rows(run: RunView, known: Mapping[str, Terms]) -> list[Row]:
    names = arm_names((v.generator, v.strategy) for v in run.verdicts)
    return [
        Row(
            names[verdict.generator, verdict.strategy],
            finding,
            known.get(finding.rule, Terms()).origin(finding),
        )
        for verdict in run.verdicts
        for finding in verdict.findings
    ]


def _merged(rows: list[Row], every: set[tuple[str, str]]) -> list[Row]:
    """Make one row of what is found alike in each of several arms, where it is of the run."""
    if len(every) < 2:
        return rows
    arms_of: dict[Finding, set[str]] = {}
    for row in rows:
        if row.finding.kind in _OF_THE_RUN or _exempt(row):
            arms_of.setdefault(row.finding, set()).add(row.arm)
    shared = [f for f, found in arms_of.items() if len(found) == len(every)]
    apart = [row for row in rows if row.finding not in shared]
    return [*apart, *(Row(EVERY_ARM, finding) for finding in shared)]


def _exempt(row: Row) -> bool:
    return row.finding.outcome == "not_applicable"


def _order(rule: RuleRows) -> tuple[bool, int, int, str]:
    worst = rule.worst
    return (
        not worst.blocks,
        WORST.index(worst.finding.outcome),
        _GRAVEST.index(worst.finding.severity),
        worst.finding.rule,
    )


def _badness(row: Row) -> tuple[int, float]:
    """Order by outcome, then by how far the bound lies past the limit; no bound comes first."""
    finding = row.finding
    low, high, limit = finding.low, finding.high, finding.limit
    past = []
    if high is not None and finding.op in ("<=", "<", "==", "within"):
        past.append(high - limit)
    if low is not None and finding.op in (">=", ">", "=="):
        past.append(limit - low)
    if low is not None and finding.op == "within":
        past.append(-limit - low)
    return WORST.index(finding.outcome), -max(past, default=float("inf"))
