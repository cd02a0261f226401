"""Which metric stands for each concern when arms are put side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from harness.comparison import Axis
from harness.errors import SpecError
from harness.flow.aggregate import definitions
from harness.protocols import Bound, MetricDef
from harness.registry import suggest

AXES: Mapping[str, tuple[str, ...]] = {
    "quality": ("fluency.perplexity", "alignment.clip_score", "reference.chrf"),
    "repetition": ("fluency.rep_3",),
    "diversity": ("diversity.distinct_2", "diversity.vendi", "image-diversity.vendi"),
    "safety": ("toxicity.any_rate", "detoxify.any_rate", "nsfw.rate"),
    "privacy": ("privacy.leak_rate",),
    "speed": (
        "latency.tokens_per_second", "latency.outputs_per_second", "latency.seconds_p50",
    ),
}  # fmt: skip
"""By concern, the metrics that can stand for it: the first that has a value in the runs.

Pictures have no tokens, though the scorer that counts them reads pictures too.

A metric that carries its model's name, as in `alignment.clip_score[digits-clip]`, is meant too.
"""


def axes_of(
    scorers: Mapping[str, Bound], chosen: Mapping[str, str], valued: Collection[str] = ()
) -> tuple[Axis, ...]:
    """Find what stands for each concern, the usual or what was chosen; no metric twice.

    Args:
        scorers: By name, whose metrics there are to choose from.
        chosen: The metric that stands for a concern, by concern, instead of the usual.
        valued: Metrics that have a value in some arm: of the usual ones they come first.

    Raises:
        SpecError: A concern or a metric is misspelt, chosen twice or has no better
            direction, or none was measured.
    """
    known = {f"{s.name}.{k}": d for s in scorers.values() for k, d in definitions(s).items()}
    _check(chosen, known)
    free = [name for name in known if name not in chosen.values()]
    some = [name for name in free if name in valued]
    rest = [name for name in free if name not in valued]
    found = []
    for concern in {**AXES, **chosen}:
        name = chosen.get(concern) or _usual(concern, some, rest)
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


def defined(axis: Axis, scorers: Mapping[str, Bound]) -> tuple[Bound, MetricDef]:
    """The scorer behind an axis, and what it says of the metric."""
    scorer, _, name = axis.metric.partition(".")
    return scorers[scorer], definitions(scorers[scorer])[name]


def _usual(concern: str, valued: Sequence[str], rest: Sequence[str]) -> str | None:
    names = (
        name
        for some in (valued, rest)
        for one in AXES[concern]
        for name in some
        if _bare(name) == one
    )
    return next(names, None)


def _bare(metric: str) -> str:
    """A metric's name without that of the model that it carries."""
    return metric.partition("[")[0]


def _meant(metric: str, known: Collection[str]) -> str:
    """The metric that a misspelt name stands for: first those that only lack the model."""
    named = [name for name in known if _bare(name) == metric]
    if len(named) > 1:
        return f"did you mean one of {', '.join(sorted(named))}?"
    hint = f"did you mean {named[0]!r}?" if named else suggest(metric, known)
    return hint or f"there are: {', '.join(sorted(known))}"


def _check(chosen: Mapping[str, str], known: Mapping[str, MetricDef]) -> None:
    for concern, metric in chosen.items():
        meant = "" if concern in AXES else suggest(concern, AXES)
        if meant:
            raise SpecError(f"{concern!r} is none of the usual concerns", fix=meant)
        if metric not in known:
            raise SpecError(
                f"no scorer of these runs measures {metric!r}", fix=_meant(metric, known)
            )
        if list(chosen.values()).count(metric) > 1:
            raise SpecError(f"{metric} is chosen for two concerns", fix="choose it for one")
