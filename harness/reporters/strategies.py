"""The headline metrics of all arms side by side: quality, diversity, safety, speed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.records import Metric, RunView
from harness.reporters.findings import arm_names
from harness.reporters.wording import everything, interval, number

CONCERNS = {
    "Quality": ("fluency", "reference", "alignment", "fidelity", "relevance", "judge"),
    "Diversity": ("diversity",),
    "Safety": (
        "toxicity", "detoxify", "privacy", "memorization", "refusal", "nsfw", "bias", "label",
    ),
    "Speed": ("latency", "throughput"),
}  # fmt: skip
OTHER = "Other"
_TELLING = (
    "fluency.perplexity", "fluency.loop_rate", "fluency.rep_3", "fluency.bits_per_byte",
    "diversity.distinct_2", "diversity.distinct_2@*", "diversity.self_bleu",
    "diversity.self_bleu@*", "diversity.vendi*",
    "*.any_rate", "privacy.leak_rate", "privacy.secret_count",
    "latency.seconds_p50", "latency.seconds_p95", "latency.tokens_per_second",
)  # fmt: skip
_PER_CONCERN = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm's value. `clear`: better than every other arm, with no overlap of intervals."""

    value: str
    interval: str
    clear: bool
    cause: str


@dataclass(frozen=True, slots=True)
class Line:
    """One metric across the arms; a cell is None where the arm has no such metric."""

    metric: str
    unit: str
    better: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole table: a column per arm, lines gathered by concern."""

    arms: tuple[str, ...]
    concerns: tuple[tuple[str, tuple[Line, ...]], ...]


def compare(run: RunView) -> Comparison:
    """Put the headline metrics of the whole run side by side, an arm per column.

    Where bounds exist at several confidences, the highest are shown.
    """
    whole = [metric for metric in surest(run.metrics) if everything(metric.slice)]
    names = arm_names((m.generator, m.strategy) for m in whole)
    by_place = {(m.name, m.generator, m.strategy): m for m in whole}
    concerns: dict[str, list[Line]] = {}
    for name in headline(run):
        row = [by_place.get((name, *arm)) for arm in names]
        concerns.setdefault(concern(name), []).append(_line(name, row))
    return Comparison(tuple(names.values()), tuple((k, tuple(v)) for k, v in concerns.items()))


def surest(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Keep one of each arm's metric on each slice: that with the highest confidence."""
    kept: dict[tuple[str, str, str, str], Metric] = {}
    for metric in metrics:
        place = (metric.generator, metric.strategy, metric.slice, metric.name)
        if place not in kept or metric.confidence > kept[place].confidence:
            kept[place] = metric
    return tuple(kept.values())


def headline(run: RunView) -> tuple[str, ...]:
    """Choose the metrics to show: those the policy rules on, then the telling ones.

    In the order of the concerns. A concern with neither shows its first ones;
    what no concern claims is shown only where a rule speaks of it or there is
    nothing else.
    """
    known = {metric.name for metric in run.metrics}
    chosen: list[str] = []
    for kind in (*CONCERNS, OTHER):
        here = sorted(name for name in known if concern(name) == kind)
        must = [name for name in here if name in ruled(run)]
        more = sorted(
            (n for n in here if n not in must and _rank(n) < len(_TELLING)), key=_rank
        )
        found = must + more[: max(0, _PER_CONCERN - len(must))]
        chosen += found or (here[:2] if kind != OTHER or not chosen else [])
    return tuple(chosen)


def ruled(run: RunView) -> frozenset[str]:
    """Name the metrics that the policy's rules speak of."""
    return frozenset(f.metric for verdict in run.verdicts for f in verdict.findings)


def concern(metric: str) -> str:
    """Say which concern a metric speaks to, by its scorer."""
    scorer = metric.partition(".")[0]
    return next((kind for kind, scorers in CONCERNS.items() if scorer in scorers), OTHER)


def _rank(name: str) -> int:
    ranks = (i for i, pattern in enumerate(_TELLING) if fnmatchcase(name, pattern))
    return next(ranks, len(_TELLING))


def _line(name: str, row: Sequence[Metric | None]) -> Line:
    known = [metric for metric in row if metric is not None]
    return Line(
        metric=name,
        unit=known[0].unit if known else "",
        better=known[0].better if known else "neither",
        cells=tuple(_cell(m, [o for o in known if o is not m]) if m else None for m in row),
    )


def _cell(metric: Metric, others: Iterable[Metric]) -> Cell:
    rivals = list(others)
    return Cell(
        value=number(metric.value),
        interval="" if metric.value is None else interval(metric.low, metric.high),
        clear=bool(rivals) and all(_clear_of(metric, rival) for rival in rivals),
        cause=metric.cause,
    )


def _clear_of(metric: Metric, rival: Metric) -> bool:
    """Whether the worst of one interval beats the best of the other, under one definition."""
    if metric.signature != rival.signature:
        return False
    if metric.better == "lower":
        worst, best = metric.high, rival.low
        return worst is not None and best is not None and worst < best
    worst, best = metric.low, rival.high
    if metric.better == "higher":
        return worst is not None and best is not None and worst > best
    return False
