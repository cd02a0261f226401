"""Which pictures a report shows of each arm: the worst, the best, and the same few of all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.engine.store import Store
from harness.flow.rows import ArmKey
from harness.protocols import Bound, Mean
from harness.records import Place

_AT_MOST, _SHARE, _FAILED = 144, 6, 2
"""Pictures of a report; of an arm's worst and of its best, half of those drawn; failures."""


@dataclass(frozen=True, slots=True)
class Made:
    """One output that could be shown. `key` names its prompt and repeat in every arm.

    `score` is None where nothing measured it; `flags` counts what its scorers saw.
    """

    case: str
    key: str
    ok: bool
    flags: int
    score: float | None


@dataclass(frozen=True, slots=True)
class Measure:
    """What pictures are ranked by: a metric's name and direction, and a score by output."""

    name: str = ""
    better: str = "neither"
    scores: Mapping[str, float] = field(default_factory=dict)


def measure(store: Store, scorers: Sequence[Bound]) -> Measure:
    """Take the first metric, in the suite's order, that is a mean with a good direction."""
    for scorer in (one for one in scorers if "image" in one.plugin.accepts):
        for name, definition in scorer.plugin.metrics.items():
            if isinstance(definition.kind, Mean) and definition.better != "neither":
                scores = _scores(store, scorer, definition.kind.column)
                return Measure(f"{scorer.name}.{name}", definition.better, scores)
    return Measure()


def choose(
    arms: Mapping[ArmKey, Sequence[Made]], better: str
) -> dict[ArmKey, list[tuple[Place, Made]]]:
    """Choose each arm's worst and best, and draw the same prompts and repeats of all arms.

    The draw goes by a digest, so that it depends on no score and no order.
    """
    share = max(1, min(_SHARE, _AT_MOST // (4 * max(1, len(arms)))))
    drawn = _drawn(arms, 2 * share)
    chosen: dict[ArmKey, list[tuple[Place, Made]]] = {}
    for arm, made in arms.items():
        worst = _worst(made, better, share)
        rest = [one for one in made if one not in worst and not one.flags]
        best = _by_score(rest, better)[::-1][:share]
        chosen[arm] = [
            *(("worst", one) for one in worst),
            *(("best", one) for one in best),
            *(("drawn", one) for one in made if one.key in drawn),
        ]
    return chosen


def _worst(made: Sequence[Made], better: str, share: int) -> list[Made]:
    """Those with most flags, then a few that failed, then the worst scores; at most half."""
    ranked = _by_score(made, better)
    order = {one.case: place for place, one in enumerate(ranked)}
    flagged = sorted(
        (one for one in made if one.flags),
        key=lambda one: (-one.flags, order.get(one.case, len(order))),
    )
    failed = [one for one in made if not one.ok and not one.flags][:_FAILED]
    plain = [one for one in ranked if not one.flags][: (len(ranked) + 1) // 2]
    return [*flagged, *failed, *plain][:share]


def _by_score(made: Sequence[Made], better: str) -> list[Made]:
    """Those with a score, worst first; equal ones in plan order."""
    sign = 1.0 if better == "higher" else -1.0
    known = [(sign * one.score, one) for one in made if one.ok and one.score is not None]
    return [one for _, one in sorted(known, key=lambda pair: pair[0])]


def _drawn(arms: Mapping[ArmKey, Sequence[Made]], count: int) -> frozenset[str]:
    """Draw from what every arm answered, or from all where the arms share nothing."""
    keys = [{one.key for one in made} for made in arms.values()]
    shared = set.intersection(*keys) or set.union(*keys) if keys else set()
    ordered = sorted(shared, key=lambda key: hashlib.sha256(key.encode()).digest())
    return frozenset(ordered[:count])


def _scores(store: Store, scorer: Bound, column: str) -> dict[str, float]:
    names = ("output_id", f"value_{column}")
    table = store.columns(f"scores/{scorer.name}", names, {scorer.fingerprint})
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return {output: value for output, value in rows if value is not None}
