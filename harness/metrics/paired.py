"""Two sides of a comparison, brought to one numbering of prompts."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import SpecError
from harness.metrics.result import Estimate
from harness.metrics.rows import Rows, take
from harness.metrics.stats.clusters import lay_out

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from harness.metrics.rows import Column


@dataclass(frozen=True, slots=True)
class Side:
    """Scored rows of one arm: columns, the prompt of each, and of each row without a score.

    `columns` are arrays [n] or lists of n, `clusters` int64 [n], `missing` int64
    [m]. A prompt has the same number on both sides.
    """

    columns: Mapping[str, Column]
    clusters: NDArray[np.int64]
    missing: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Paired:
    """Both sides with their prompts numbered alike from 0, and what theirs is multiplied by."""

    ours: Rows
    theirs: Rows
    scale: float

    @property
    def rows(self) -> tuple[Rows, Rows]:
        """Ours, then theirs."""
        return self.ours, self.theirs

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Planned rows of each prompt, the same on both sides: float64 [C]."""
        return self.ours.layout.sizes

    @property
    def scored(self) -> NDArray[np.float64]:
        """Rows of each prompt that are scored on both sides: float64 [C]."""
        return np.minimum(self.ours.layout.scored_sizes, self.theirs.layout.scored_sizes)

    @property
    def blank(self) -> Estimate:
        """The denominators, before anything is estimated."""
        n = int(self.scored.sum())
        missing = int(self.sizes.sum()) - n
        return Estimate(n=n, missing=missing, clusters=self.sizes.size)

    def span(
        self, bounds: tuple[float | None, float | None]
    ) -> tuple[float | None, float | None]:
        """Say what a difference can never leave, if neither side can leave `bounds`."""
        floor, ceiling = bounds
        if floor is None or ceiling is None:
            return None, None
        return floor - self.scale * ceiling, ceiling - self.scale * floor

    def complete(self, references: Collection[str] = ()) -> Paired:
        """Keep the prompts whose every row is scored on both sides.

        Args:
            references: Columns that hold a dataset, not a value of each row.
        """
        whole = self.scored == self.sizes
        sides = [_of_prompts(rows, whole, references) for rows in self.rows]
        return Paired(sides[0], sides[1], self.scale)


def pair(ours: Side, theirs: Side, scale: float) -> Paired:
    """Bring two sides to one numbering of prompts.

    Raises:
        SpecError: If the sides do not plan the same rows of the same prompts, or
            `scale` is not a number above 0.

    >>> import numpy as np
    >>> none = np.array([], dtype=np.int64)
    >>> ours = Side({}, np.array([7, 9]), none)
    >>> pair(ours, Side({}, np.array([9]), np.array([7])), 1.0).blank.missing
    1
    """
    if not (isfinite(scale) and scale > 0.0):
        raise SpecError("a scale is a finite number above 0", where=f"{scale}")
    counts = [
        np.unique(np.concatenate((side.clusters, side.missing)), return_counts=True)
        for side in (ours, theirs)
    ]
    if not all(map(np.array_equal, *counts)):
        raise SpecError(
            "the sides of a comparison plan different prompts",
            fix="compare arms of one suite: the same prompts, each as often",
        )
    rows = [Rows(side.columns, lay_out(side.clusters, side.missing)) for side in (ours, theirs)]
    return Paired(rows[0], rows[1], scale)


def _of_prompts(rows: Rows, kept: NDArray[np.bool_], references: Collection[str]) -> Rows:
    ranks = rows.layout.scored
    picked = np.flatnonzero(kept[ranks])
    columns = {
        name: column if name in references else take(column, picked)
        for name, column in rows.columns.items()
    }
    return Rows(columns, lay_out(ranks[picked], np.array([], dtype=np.int64)))
