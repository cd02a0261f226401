"""One number for each prompt, from all that was scored of its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NonFiniteError
from harness.metrics.rows import within
from harness.metrics.stats.clusters import total

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from harness.metrics.rows import Rows
    from harness.protocols import PerPrompt


@dataclass(frozen=True, slots=True)
class PromptNumbers:
    """What a function gave for each prompt.

    `numbers` float64 [C] holds 0 where not `defined` (bool [C]). A prompt is
    `whole` (bool [C]) if it is defined and lacks no score: only then is its
    number the one it was planned to have.
    """

    numbers: NDArray[np.float64]
    defined: NDArray[np.bool_]
    whole: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """The mean over defined prompts, of which there must be one."""
        return total(self.numbers[self.defined]) / int(self.defined.sum())

    @property
    def known(self) -> NDArray[np.float64]:
        """Numbers of whole prompts, 0 elsewhere: float64 [C]."""
        return np.where(self.whole, self.numbers, 0.0)

    @property
    def lost(self) -> NDArray[np.float64]:
        """1 where a prompt is not whole, else 0: float64 [C]."""
        return (~self.whole).astype(np.float64)


def prompt_numbers(kind: PerPrompt, rows: Rows) -> PromptNumbers:
    """Apply a metric's function to the scored values of each prompt, in an order of their own.

    Raises:
        NonFiniteError: If a score, or what the function returns, is not finite.
        PluginError: If the function leaves its declared bounds.

    >>> import numpy as np
    >>> from harness.metrics.rows import Rows
    >>> from harness.metrics.stats.clusters import lay_out
    >>> from harness.protocols import PerPrompt
    >>> layout = lay_out(np.array([0, 0, 1]), np.array([1]))
    >>> rows = Rows({"x": np.array([3.0, 1.0, 5.0])}, layout)
    >>> found = prompt_numbers(PerPrompt("x", lambda values: float(values.max())), rows)
    >>> found.numbers.tolist(), found.whole.tolist(), found.mean
    ([3.0, 5.0], [True, False], 4.0)
    """
    layout = rows.layout
    answers = [kind.function(group) if len(group) else None for group in _groups(kind, rows)]
    defined = np.array([answer is not None for answer in answers], dtype=np.bool_)
    numbers = np.array([0.0 if answer is None else answer for answer in answers])
    if not np.isfinite(numbers).all():
        raise NonFiniteError("a prompt's number is not finite", where=f"column {kind.column}")
    numbers[defined] = within(numbers[defined], kind.bounds, kind.column)
    return PromptNumbers(numbers, defined, defined & (layout.missing_sizes == 0))


def _groups(kind: PerPrompt, rows: Rows) -> Iterator[NDArray[np.float64]]:
    """The values of each prompt, ascending: float64 [n], or [n, D] where they are vectors."""
    ends = np.cumsum(rows.layout.scored_sizes).astype(np.int64)[:-1]
    column = rows.columns[kind.column]
    if not isinstance(column, np.ndarray) or column.ndim == 1:
        values = rows.floats(kind.column)
        order = np.lexsort((values, rows.layout.scored))
        yield from np.split(values[order], ends)
        return
    # Vectors may be long: no more than one prompt's are held as float64.
    for places in np.split(rows.canonical((kind.column,)), ends):
        vectors = column[places].astype(np.float64)
        if not np.isfinite(vectors).all():
            raise NonFiniteError("a feature is not finite", where=f"column {kind.column}")
        yield vectors
