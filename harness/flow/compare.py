"""Arms side by side: which differ, on which concern, and what the evidence recommends.

Every difference is paired by prompt and seed. With eleven strategies and five
concerns there are 275 of them, and one in twenty would look real by chance, so
their p-values are corrected together. The Pareto front goes by the values
seen; a recommendation goes by what was shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from harness import digests
from harness.comparison import Axis, Comparison, Contender, Contest, Point, Standing
from harness.engine.store import Store
from harness.errors import SpecError
from harness.flow.aggregate import FIXED, measured
from harness.flow.axes import axes_of, defined
from harness.flow.contrasts import Baseline, Pairs, RunArm, mismatches, side
from harness.flow.evidence import Gap
from harness.flow.front import front, recommended, unlike
from harness.flow.rows import BY_PROMPT, ArmKey
from harness.flow.stored import bound_scorers
from harness.ledger.seal import MEASURED, SEAL, verify
from harness.metrics.contrast import contrast, contrast_p_value
from harness.metrics.stats.multiplicity import benjamini_hochberg, holm
from harness.protocols import Bound, MetricDef
from harness.records import Outcome
from harness.registry import suggest

ALPHA = 0.05
_TIMED = ("latency", "throughput")


@dataclass(frozen=True, slots=True)
class _Arm:
    """A contender before it is compared."""

    name: str
    place: RunArm
    outcome: Outcome | None
    policy: str | None


def compare(
    folders: Sequence[Path],
    *,
    against: str | None = None,
    metrics: Mapping[str, str] | None = None,
    correction: Literal["holm", "bh"] = "holm",
) -> Comparison:
    """Compare every arm of one or more stored runs. Loads no model.

    Args:
        folders: Finished runs that were asked the same prompts with the same seed.
        against: The arm to show differences from; the first when left out.
        metrics: The metric that stands for a concern, by concern, instead of the usual.
        correction: Holm: no false finding among all; Benjamini-Hochberg: few among those found.

    Raises:
        SpecError: There is nothing to compare, a run is named twice, or an arm, a
            concern or a metric is unknown.
        AlteredError: A run was changed after it was sealed.
    """
    runs = _opened(folders)
    arms = list(_arms(runs))
    scorers = {s.name: s for s in bound_scorers(runs[0].suite, runs[0].manifest, runs[0].store)}
    axes = axes_of(scorers, metrics or {}, set(_valued(runs)))
    reference = _reference(against, [arm.name for arm in arms])
    if len(arms) < 2:
        raise SpecError("there is one arm, so nothing to compare it with", fix="name more runs")
    points = {arm.name: _points(arm, axes, scorers) for arm in arms}
    contests = _corrected(list(_contests(arms, axes, scorers, reference)), axes, correction)
    apart = unlike(contests)
    beaten = front({name: _values(found, axes) for name, found in points.items()}, apart)
    contenders = tuple(
        Contender(
            name=arm.name, run_id=arm.place[0].manifest["run_id"],
            generator=arm.place[1].generator, strategy=arm.place[1].strategy,
            outcome=arm.outcome, policy=arm.policy, points=points[arm.name],
            front=not beaten[arm.name] and not _alone(arm.name, points, apart),
            dominated_by=beaten[arm.name],
        )
        for arm in arms
    )  # fmt: skip
    best, because = recommended(contenders, contests)
    return Comparison(
        axes=axes, contenders=contenders, contests=contests, reference=reference,
        correction=correction, alpha=ALPHA, recommended=best, because=because,
        notices=tuple(_notices(runs, scorers, axes)),
    )  # fmt: skip


def _opened(folders: Sequence[Path]) -> list[Baseline]:
    """Check and open the runs; one that is named twice, or a copy of one, is no rival."""
    known: dict[str, Path] = {}
    for folder in folders:
        verify(folder)
        content = _measured(folder)
        if content in known:
            named = f"{known[content]} and {folder}"
            raise SpecError("this is the same run twice", where=named, fix="name it once")
        known[content] = folder
    return [Baseline.of(Store(folder)) for folder in folders]


def _measured(folder: Path) -> str:
    """Digest of what a run generated and scored, as its seal lists it."""
    files = Store(folder).read_json(SEAL)["files"]
    return digests.of_json({name: files[name] for name in files if name.startswith(MEASURED)})


def _arms(runs: Sequence[Baseline]) -> Iterator[_Arm]:
    """Every arm, named by what tells it apart."""
    every = [(run, arm) for run in runs for arm in run.manifest["arms"]]
    several = len({arm["generator"] for _, arm in every}) > 1
    names = [run.store.root.name for run in runs]
    unique = len(set(names)) == len(names)
    for run, arm in every:
        name = f"{arm['generator']}/{arm['strategy']}" if several else arm["strategy"]
        if len(runs) > 1:
            name = f"{run.store.root.name if unique else run.store.root}:{name}"
        key = ArmKey(arm["generator"], arm["strategy"], arm["fingerprint"])
        decision = run.store.read_json("decision.json")
        yield _Arm(name, (run, key), _outcome(decision, key), decision["digests"]["policy"])


def _valued(runs: Sequence[Baseline]) -> Iterator[str]:
    """The metrics that came to a number in some arm."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for run in runs:
        table = pq.read_table(run.store.root / "metrics.parquet", columns=["name", "value"])
        yield from table.filter(pc.is_valid(table["value"]))["name"].to_pylist()


def _outcome(decision: Mapping[str, Any], key: ArmKey) -> Outcome | None:
    mine = (key.generator, key.strategy)
    found = (
        v["outcome"] for v in decision["verdicts"] if (v["generator"], v["strategy"]) == mine
    )
    return next(found, None)


def _alone(name: str, points: Mapping[str, object], apart: Collection[frozenset[str]]) -> bool:
    """Whether an arm can be compared with none of the others."""
    return all(frozenset((name, other)) in apart for other in points if other != name)


def _reference(asked: str | None, names: Sequence[str]) -> str:
    if asked is None:
        return names[0]
    if asked not in names:
        hint = suggest(asked, names) or f"there are: {', '.join(names)}"
        raise SpecError(f"there is no arm called {asked!r}", fix=hint)
    return asked


def _points(arm: _Arm, axes: Sequence[Axis], scorers: Mapping[str, Bound]) -> dict[str, Point]:
    pairs = Pairs(BY_PROMPT)
    found = {}
    for axis in axes:
        scorer, definition = defined(axis, scorers)
        parts = pairs.parts(arm.place, arm.place, scorer, "all")
        if isinstance(parts, Gap):
            found[axis.metric] = Point(None, None, None, 0, 0, parts.message)
            continue
        one = measured(parts[0], definition, 1.0 - ALPHA / 2.0, FIXED)
        found[axis.metric] = Point(one.value, one.low, one.high, one.n, one.missing, one.cause)
    return found


def _contests(
    arms: Sequence[_Arm], axes: Sequence[Axis], scorers: Mapping[str, Bound], reference: str
) -> Iterator[Contest]:
    """Every pair on every axis; the reference stands on the right of its own."""
    pairs = Pairs(BY_PROMPT)
    for axis in axes:
        scorer, definition = defined(axis, scorers)
        for one, other in combinations(arms, 2):
            left, right = (other, one) if one.name == reference else (one, other)
            yield _contest(pairs, (left, right), axis, (scorer, definition))


def _contest(
    pairs: Pairs, both: tuple[_Arm, _Arm], axis: Axis, how: tuple[Bound, MetricDef]
) -> Contest:
    (left, right), (scorer, definition) = both, how
    differing = mismatches(left.place[0], right.place[0], scorer)
    parts = pairs.parts(left.place, right.place, scorer, "all")
    if differing or isinstance(parts, Gap):
        cause = (
            parts.message if isinstance(parts, Gap) else f"differs in {', '.join(differing)}"
        )
        return Contest(
            metric=axis.metric, arm=left.name, against=right.name, value=None, low=None,
            high=None, pairs=0, p=None, p_adjusted=None, standing="not comparable", cause=cause,
        )  # fmt: skip
    ours, theirs = (side(part, definition) for part in parts)
    found = contrast(definition, ours, theirs, scale=1.0, confidence=1.0 - ALPHA / 2.0)
    untested = _untested(axis, left, right)
    p = None if untested else contrast_p_value(definition, ours, theirs)
    return Contest(
        metric=axis.metric, arm=left.name, against=right.name, value=found.value,
        low=found.low, high=found.high, pairs=found.clusters, p=p, p_adjusted=None,
        standing="not shown", cause=untested or found.cause,
    )  # fmt: skip


def _untested(axis: Axis, left: _Arm, right: _Arm) -> str:
    """Why no test of a difference would hold; empty where one does."""
    if any("looks" in arm.place[0].manifest for arm in (left, right)):
        return "a sequential gate stopped on its data"
    if axis.metric.partition(".")[0] in _TIMED:
        return "arms are timed one after the other, so speed cannot be told from load"
    return ""


def _corrected(
    contests: Sequence[Contest], axes: Sequence[Axis], correction: Literal["holm", "bh"]
) -> tuple[Contest, ...]:
    better = {axis.metric: axis.better for axis in axes}
    tested = [contest.p for contest in contests if contest.p is not None]
    adjust = holm if correction == "holm" else benjamini_hochberg
    adjusted = iter(adjust(tested))
    found = []
    for contest in contests:
        p = next(adjusted) if contest.p is not None else None
        standing = _standing(contest, p, better[contest.metric])
        found.append(replace(contest, p_adjusted=p, standing=standing))
    return tuple(found)


def _standing(contest: Contest, p: float | None, better: str) -> Standing:
    if contest.standing == "not comparable":
        return contest.standing
    if p is None or p > ALPHA or not contest.value:
        return "not shown"
    return "better" if (contest.value < 0) == (better == "lower") else "worse"


def _values(points: Mapping[str, Point], axes: Sequence[Axis]) -> tuple[float | None, ...]:
    """Values turned so that less is better on every axis."""
    signs = [1.0 if axis.better == "lower" else -1.0 for axis in axes]
    values = [points[axis.metric].value for axis in axes]
    return tuple(None if v is None else s * v for s, v in zip(signs, values, strict=True))


def _notices(
    runs: Sequence[Baseline], scorers: Mapping[str, Bound], axes: Sequence[Axis]
) -> Iterator[str]:
    used = dict.fromkeys(axis.metric.partition(".")[0] for axis in axes)
    for run in runs[1:]:
        every = (mismatches(runs[0], run, scorers[name]) for name in used)
        differing = dict.fromkeys(what for found in every for what in found)
        if differing:
            names = f"{runs[0].store.root.name} and {run.store.root.name}"
            only = all(what.startswith("scorer ") for what in differing)
            yield f"{names} differ in {', '.join(differing)}: not compared{' by it' * only}"
    if any("looks" in run.manifest for run in runs):
        yield "a sequential run stopped on its data: differences are shown, none is tested"
    if any(name in _TIMED for name in used):
        yield "speed is shown and not tested: arms are timed one after another, under any load"
