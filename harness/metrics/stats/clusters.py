"""Sums of rows by cluster that do not depend on the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from math import fsum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Layout:
    """Which cluster each planned row belongs to, clusters renumbered from 0.

    `scored` int64 [n] and `missing` int64 [m] are cluster ranks in
    [0, clusters), in the order of the original cluster numbers.
    """

    scored: NDArray[np.int64]
    missing: NDArray[np.int64]
    clusters: int

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Planned rows of each cluster, float64 [clusters]."""
        return self.scored_sizes + self.missing_sizes

    @property
    def scored_sizes(self) -> NDArray[np.float64]:
        """Scored rows of each cluster, float64 [clusters]."""
        return _counts(self.scored, self.clusters)

    @property
    def missing_sizes(self) -> NDArray[np.float64]:
        """Missing rows of each cluster, float64 [clusters]."""
        return _counts(self.missing, self.clusters)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add float64 [n] scored values up by cluster: float64 [clusters].

        Rows of a cluster are added from the smallest up, so that the same rows
        in another order give the same bytes.
        """
        rows = self.scored
        if rows.size and np.bincount(rows).max() > 1 and not _adds_exactly(values):
            order = np.lexsort((values, rows))
            rows, values = rows[order], values[order]
        added = np.bincount(rows, weights=values, minlength=self.clusters)
        return added.astype(np.float64, copy=False)


def lay_out(scored: NDArray[np.int64], missing: NDArray[np.int64]) -> Layout:
    """Renumber the clusters of int64 [n] scored and int64 [m] missing rows from 0."""
    planned = np.concatenate((scored, missing)) if missing.size else scored
    if planned.size and planned.min() >= 0 and planned.max() < 4 * planned.size:
        seen = np.bincount(planned) > 0
        ranks = planned if seen.all() else (np.cumsum(seen) - 1)[planned]
    else:
        ranks = np.unique(planned, return_inverse=True)[1]
    clusters = int(ranks.max()) + 1 if ranks.size else 0
    ranks = ranks.astype(np.int64, copy=False)
    return Layout(ranks[: scored.size], ranks[scored.size :], clusters)


def total(values: NDArray[np.float64]) -> float:
    """Add values up with one rounding, so that no order of them matters."""
    pieces = (values[at : at + _PIECE].tolist() for at in range(0, values.size, _PIECE))
    return fsum(chain.from_iterable(pieces))


def _counts(ranks: NDArray[np.int64], clusters: int) -> NDArray[np.float64]:
    return np.bincount(ranks, minlength=clusters).astype(np.float64)


def _adds_exactly(values: NDArray[np.float64]) -> bool:
    whole = bool((values == np.rint(values)).all())
    return whole and float(np.abs(values).sum()) < 2.0**53
