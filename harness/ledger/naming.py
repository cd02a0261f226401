"""A run's metrics and settings in the names, lengths and values that MLflow takes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import digests
from harness.records import Metric

NAME_LENGTH, PARAM_LENGTH, TAG_LENGTH = 240, 6000, 8000
"""Characters; MLflow's own limits are 250, 6000 and 8000."""
_ALL = ("", "all")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one arm logs: finite numbers by name, and why others are absent, as tags."""

    values: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def numbers(metrics: Sequence[Metric], confidence: float | None) -> Numbers:
    """Name an arm's metrics: `metric`, `metric_lo`, `metric_hi`, `metric_n`, `metric/slice`.

    Bounds at another level than `confidence` have it in their name, such as
    `metric_hi_at_0.99`. What is None or not finite is no metric: its reason
    becomes the tag `harness.absent.<name>`, and a side without a bound
    `harness.unbounded.<name>`.

    Args:
        metrics: Of one generator under one strategy.
        confidence: The level whose bounds need no suffix; None takes the lowest.
    """
    found = Numbers()
    levels = [metric.confidence for metric in metrics]
    plain = confidence if confidence in levels else min(levels, default=0.0)
    names = _names(metrics)
    for metric in metrics:
        name = names[metric.name, metric.slice]
        suffix = "" if metric.confidence == plain else f"_at_{metric.confidence:g}"
        _put(found, name, metric.value, metric.cause or "nothing could be computed")
        if found.values.get(name) is not None:
            _put_bounds(found, name, suffix, metric)
        found.values[f"{name}_n"] = float(metric.n)
        if metric.missing:
            found.values[f"{name}_missing"] = float(metric.missing)
    return found


def key(text: str) -> str:
    """Turn any text into a name MLflow takes: other characters become `_`, it is cut."""
    steps = [re.sub(r"[^\w.\- :]", "_", step) or "_" for step in text.split("/")]
    name = "/".join("_" if step in (".", "..") else step for step in steps)
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 9]}-{_short(text)}"


def cut(value: object, length: int) -> str:
    """Write a value in at most `length` characters; a cut one ends with its digest."""
    text = value if isinstance(value, str) else _written(value)
    if len(text) <= length:
        return text
    tail = f"... sha256:{digests.of_bytes(text.encode('utf-8', 'surrogatepass'))}"
    return text[: length - len(tail)] + tail


def flat(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    """Spell a nested mapping as `prefix.key` and value pairs, ready to be params."""
    if isinstance(value, Mapping):
        for name, item in sorted(value.items()):
            yield from flat(f"{prefix}.{name}", item)
    elif value is not None:
        yield key(prefix), cut(value, PARAM_LENGTH)


def _put(found: Numbers, name: str, value: float | None, reason: str) -> None:
    if value is not None and math.isfinite(value):
        found.values[name] = value
    else:
        why = reason if value is None else f"not a finite number: {value}"
        found.tags[f"harness.absent.{name}"[:NAME_LENGTH]] = cut(why, TAG_LENGTH)


def _put_bounds(found: Numbers, name: str, suffix: str, metric: Metric) -> None:
    for side, bound in (("lo", metric.low), ("hi", metric.high)):
        if bound is not None and math.isfinite(bound):
            found.values[f"{name}_{side}{suffix}"] = bound
        else:
            tag = f"harness.unbounded.{name}_{side}{suffix}"[:NAME_LENGTH]
            found.tags[tag] = "no bound on this side"


def _names(metrics: Sequence[Metric]) -> dict[tuple[str, str], str]:
    """A name for each metric and slice; a digest tells apart two that would share one."""
    pairs = sorted({(metric.name, metric.slice) for metric in metrics})
    names: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for name, part in pairs:
        wanted = _name(name, part)
        if taken & _all_names(wanted):
            wanted = f"{wanted}-{_short(_written([name, part]))}"
        taken |= _all_names(wanted)
        names[name, part] = wanted
    return names


def _name(name: str, part: str) -> str:
    room = NAME_LENGTH - 60
    base = key(name)
    full = base if part in _ALL else f"{base}/{key(part.replace('/', '_'))}"
    return full if len(full) <= room else f"{full[: room - 9]}-{_short(_written([name, part]))}"


def _all_names(name: str) -> set[str]:
    return {name, *(f"{name}_{side}" for side in ("lo", "hi", "n", "missing"))}


def _short(text: str) -> str:
    return digests.of_bytes(text.encode("utf-8", "surrogatepass"))[:8]


def _written(value: Any) -> str:
    return digests.canonical(value).decode("utf-8", "surrogatepass")
