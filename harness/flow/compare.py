"""Arms side by side: which differ, on which concern, and what the evidence recommends.

Every difference is paired by prompt and seed. With eleven strategies and five
concerns there are 275 of them, and one in twenty would look real by chance, so
their p-values are corrected together. The Pareto front goes by the values
seen; a recommendation goes by what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

from harness.comparison import Axis, Comparison, Contender, Contest, Point, Standing
from harness.engine.store import Store
from harness.errors import SpecError
from harness.flow.aggregate import FIXED, definitions, measured
from harness.flow.contrasts import Baseline, Pairs, RunArm, mismatches, side
from harness.flow.evidence import Gap
from harness.flow.front import front, recommended
from harness.flow.rows import BY_PROMPT, ArmKey
from harness.flow.stored import bound_scorers
from harness.ledger.seal import verify
from harness.metrics.contrast import contrast, contrast_p_value
from harness.metrics.stats.multiplicity import benjamini_hochberg, holm
from harness.protocols import Bound, MetricDef
from harness.records import Outcome
from harness.registry import suggest

ALPHA = 0.05
AXES: Mapping[str, tuple[str, ...]] = {
    "quality": ("fluency.perplexity", "alignment.clip_score", "reference.chrf"),
    "repetition": ("fluency.rep_3",),
    "diversity": ("diversity.distinct_2", "diversity.vendi"),
    "safety": ("toxicity.any_rate", "detoxify.any_rate", "nsfw.rate", "privacy.leak_rate"),
    "speed": ("latency.tokens_per_second", "latency.seconds_p50"),
}
"""By concern, the metrics that can stand for it: the first that all arms have."""
_TIMED = ("latency", "throughput")


@dataclass(frozen=True, slots=True)
class _Arm:
    """A contender before it is compared."""

    name: str
    place: RunArm
    outcome: Outcome | None


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
        SpecError: There is nothing to compare, or an arm or metric is unknown.
        AlteredError: A run was changed after it was sealed.
    """
    runs = [_opened(folder) for folder in folders]
    arms = list(_arms(runs))
    if len(arms) < 2:
        raise SpecError("there is one arm, so nothing to compare it with", fix="name more runs")
    scorers = {s.name: s for s in bound_scorers(runs[0].suite, runs[0].manifest, runs[0].store)}
    axes = _axes(scorers, metrics or {})
    reference = _reference(against, [arm.name for arm in arms])
    points = {arm.name: _points(arm, axes, scorers) for arm in arms}
    contests = _corrected(list(_contests(arms, axes, scorers, reference)), axes, correction)
    beaten = front({name: _values(found, axes) for name, found in points.items()})
    contenders = tuple(
        Contender(
            name=arm.name, run_id=arm.place[0].manifest["run_id"],
            generator=arm.place[1].generator, strategy=arm.place[1].strategy,
            outcome=arm.outcome, points=points[arm.name], front=not beaten[arm.name],
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


def _opened(folder: Path) -> Baseline:
    verify(folder)
    return Baseline.of(Store(folder))


def _arms(runs: Sequence[Baseline]) -> Iterator[_Arm]:
    """Every arm, named by what tells it apart."""
    every = [(run, arm) for run in runs for arm in run.manifest["arms"]]
    several = len({arm["generator"] for _, arm in every}) > 1
    for run, arm in every:
        name = f"{arm['generator']}/{arm['strategy']}" if several else arm["strategy"]
        if len(runs) > 1:
            name = f"{run.store.root.name}:{name}"
        key = ArmKey(arm["generator"], arm["strategy"], arm["fingerprint"])
        yield _Arm(name, (run, key), _outcome(run, key))


def _outcome(run: Baseline, key: ArmKey) -> Outcome | None:
    verdicts = run.store.read_json("decision.json")["verdicts"]
    mine = (key.generator, key.strategy)
    found = (v["outcome"] for v in verdicts if (v["generator"], v["strategy"]) == mine)
    return next(found, None)


def _axes(scorers: Mapping[str, Bound], chosen: Mapping[str, str]) -> tuple[Axis, ...]:
    known = {f"{s.name}.{k}": d for s in scorers.values() for k, d in definitions(s).items()}
    for metric in chosen.values():
        if metric not in known:
            hint = suggest(metric, known) or f"there are: {', '.join(sorted(known))}"
            raise SpecError(f"no scorer of these runs measures {metric!r}", fix=hint)
    wanted = {concern: (name,) for concern, name in chosen.items()}
    found = []
    for concern, names in {**AXES, **wanted}.items():
        name = next((name for name in names if name in known), None)
        if name is None:
            continue
        better = known[name].better
        if better == "neither":
            raise SpecError(f"{name} has no better direction", fix="choose another metric")
        found.append(Axis(concern, name, known[name].unit, better))
    if not found:
        usual = ", ".join(name for names in AXES.values() for name in names)
        raise SpecError(
            "none of the usual metrics was measured",
            where=usual,
            fix="say `--metric CONCERN=METRIC`",
        )
    return tuple(found)


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
        scorer, definition = _defined(axis, scorers)
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
        scorer, definition = _defined(axis, scorers)
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


def _defined(axis: Axis, scorers: Mapping[str, Bound]) -> tuple[Bound, MetricDef]:
    scorer, _, name = axis.metric.partition(".")
    return scorers[scorer], definitions(scorers[scorer])[name]


def _notices(
    runs: Sequence[Baseline], scorers: Mapping[str, Bound], axes: Sequence[Axis]
) -> Iterator[str]:
    for run in runs[1:]:
        for scorer in scorers.values():
            differing = mismatches(runs[0], run, scorer)
            if differing:
                names = f"{runs[0].store.root.name} and {run.store.root.name}"
                yield f"{names} differ in {', '.join(differing)}: not compared by it"
    if any("looks" in run.manifest for run in runs):
        yield "a sequential run stopped on its data: differences are shown, none is tested"
    if any(axis.metric.partition(".")[0] in _TIMED for axis in axes):
        yield "speed is shown and not tested: arms are timed one after another, under any load"
