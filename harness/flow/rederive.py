"""A stored run's verdict, derived again where arithmetic may round otherwise.

Another processor, or another release of NumPy, adds in another order, which moves the
last digits of a Frechet distance. So a number may come out a millionth away from what
was written down; no word, count or outcome may differ. What is shown from then on is
what was written down.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from harness import digests
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.assess import assess
from harness.flow.report import decision
from harness.flow.rules import own_policy
from harness.flow.stored import recorded_scorers
from harness.records import Finding, Metric, RunView, Verdict

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""How far a number may be from the one written down. Of one value the kernels that
OpenBLAS and NumPy choose by processor were seen to differ by 2e-12."""


def rederive(root: Path) -> RunView:
    """Derive a stored run's verdict again from nothing but its folder.

    Its scorers are taken as the run recorded them: no model, dataset or suite is
    looked for on this machine.

    Args:
        root: The run; its seal has been checked.

    Returns:
        The run, with the numbers that were written down.

    Raises:
        AlteredError: The stored scores lead to something else.
        RefusedError: Another version of a scorer is installed here.
    """
    store = Store(root)
    written = store.read_json("decision.json")
    day = written.get("judged_on")
    today = date.fromisoformat(day) if day else None
    view = assess(store, own_policy(store), today, recorded_scorers)
    stored = _stored_metrics(store)
    _check(root / "metrics.parquet", _plain(view.metrics), _plain(stored))
    metrics = tuple(map(_typed, stored, view.metrics))
    stated = {**view.digests, "metrics": digests.of_json(_plain(metrics))}
    again = decision(dataclasses.replace(view, digests=stated))
    _check(root / "decision.json", digests.plain(again), written)
    return dataclasses.replace(
        view, metrics=metrics, verdicts=_verdicts(written), digests=stated
    )


def _stored_metrics(store: Store) -> list[Metric]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = store.root / "metrics.parquet"
    try:
        return [Metric(**row) for row in pq.read_table(path).to_pylist()]
    except (pa.ArrowException, OSError, TypeError) as error:
        raise AlteredError(f"the metrics cannot be read: {error}", where=str(path)) from error


def _typed(stored: Metric, derived: Metric) -> Metric:
    """A whole number that was stored among reals is whole again, as its digest has it."""
    whole: dict[str, Any] = {
        name: int(getattr(stored, name))
        for name in ("value", "low", "high", "design_effect")
        if isinstance(getattr(derived, name), int)
    }
    return dataclasses.replace(stored, **whole)


def _verdicts(written: Any) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(**{**one, "findings": tuple(Finding(**item) for item in one["findings"])})
        for one in written["verdicts"]
    )


def _plain(metrics: Sequence[Metric]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(metric) for metric in metrics]


def _check(path: Path, derived: object, written: object) -> None:
    place = next(_differences(derived, written, ()), None)
    if place is not None:
        raise AlteredError(
            f"{path.name} is not what the stored scores lead to",
            where=f"{path}: {place}",
            fix="whoever signed it has to judge the run again",
        )


def _differences(derived: Any, written: Any, place: tuple[str, ...]) -> Iterator[str]:
    """Where two values differ, as `a.0.b: derived, not written`."""
    if isinstance(derived, dict) and isinstance(written, dict):
        pairs = {key: (derived.get(key), written.get(key)) for key in derived | written}
    elif (
        isinstance(derived, list) and isinstance(written, list) and len(derived) == len(written)
    ):
        pairs = {str(n): pair for n, pair in enumerate(zip(derived, written, strict=True))}
    else:
        if not _same(derived, written):
            told = (
                digests.canonical(one).decode("utf-8", "replace") for one in (derived, written)
            )
            yield f"{'.'.join(place)}: {', not '.join(text[:80] for text in told)}"
        return
    for key, (one, other) in pairs.items():
        yield from _differences(one, other, (*place, key))


def _same(derived: object, written: object) -> bool:
    if isinstance(derived, float) and isinstance(written, float):
        return math.isclose(derived, written, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return derived == written
