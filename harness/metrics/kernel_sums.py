"""Sums of a kernel over all pairs of two sets, and the squared mean discrepancy they give.

Everything the discrepancy and its variance ask of n^2 kernel values are their sums
by row and their sum of squares, so no kernel matrix is ever held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.metrics.features import Features, Tile, own_tiles, tiles

if TYPE_CHECKING:
    from collections.abc import Iterator

Kernel = Callable[[Tile], NDArray[np.float64]]
"""Gives the kernel of each pair of a tile, float64 [R, C]."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A squared mean discrepancy and its standard error, None under four rows a set."""

    value: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a kernel over all pairs of `n` rows of x and `m` of y.

    `within`: of x, and of y, no row with itself. `across`: of x with y. `diagonal`:
    of the rows of x with themselves, and of y.
    """

    n: int
    m: int
    within: tuple[float, float]
    across: float
    diagonal: tuple[float, float]

    def unbiased(self) -> float:
        """Compute MMD^2 without each row's pair with itself (Gretton et al. 2012, eq. 3)."""
        n, m = self.n, self.m
        inside = self.within[0] / (n * (n - 1)) + self.within[1] / (m * (m - 1))
        return float(inside - 2.0 * self.across / (n * m))

    def biased(self) -> float:
        """Compute MMD^2 over all pairs (Gretton et al. 2012, eq. 5); never below 0."""
        n, m = self.n, self.m
        inside = (self.within[0] + self.diagonal[0]) / n**2
        inside += (self.within[1] + self.diagonal[1]) / m**2
        return max(0.0, float(inside - 2.0 * self.across / (n * m)))


@dataclass(frozen=True, slots=True)
class KernelSums:
    """Sums of one kernel over the pairs of two sets.

    `within_x` [N] and `within_y` [M]: of each row with the others of its set, itself
    left out. `across_x` [N] and `across_y` [M]: with all of the other set.
    `diagonal`: of all rows with themselves, by set. `squares`: of the pairs of x, of
    y, and across, squared and summed.
    """

    within_x: NDArray[np.float64]
    within_y: NDArray[np.float64]
    across_x: NDArray[np.float64]
    across_y: NDArray[np.float64]
    diagonal: tuple[float, float]
    squares: tuple[float, float, float]

    @property
    def totals(self) -> Totals:
        """Add up what is held by row."""
        within = float(self.within_x.sum()), float(self.within_y.sum())
        n, m = len(self.within_x), len(self.within_y)
        return Totals(n, m, within, float(self.across_x.sum()), self.diagonal)

    def unbiased(self) -> float:
        """Compute MMD^2 without each row's pair with itself."""
        return self.totals.unbiased()

    def biased(self) -> float:
        """Compute MMD^2 over all pairs; never below 0."""
        return self.totals.biased()

    def standard_error(self) -> float | None:
        """Estimate the standard deviation of `unbiased`; None under four rows a set.

        Each part of the variance is held to 0 or more, so that chance never makes an
        error of nothing: the estimate is high by some tens of percent where the sets
        are of one distribution and few rows.
        """
        if min(len(self.within_x), len(self.within_y)) < 4:
            return None
        return float(np.sqrt(sum(max(0.0, part) for part in self.variance_parts())))

    def variance_parts(self) -> tuple[float, float, float]:
        """Estimate the variance of `unbiased` without bias, for four rows a set or more.

        Hoeffding's decomposition for sets of any size: 4 Var a(x) / n, 4 Var b(y) / m,
        and the degenerate rest of order 1/n^2, which is all there is when the sets are
        of one distribution. Each comes from sums over distinct rows.

        Source:
            Hoeffding (1948); for equal sizes Sutherland et al. (2017).
        """
        n, m, both = len(self.within_x), len(self.within_y), self.squares[2]
        x = _Side(self.within_x, self.across_x, self.squares[0])
        y = _Side(self.within_y, self.across_y, self.squares[1])
        first_x, first_y = _first_order(x, y, both), _first_order(y, x, both)
        return 4.0 / n * first_x, 4.0 / m * first_y, _second_order(x, y, both)


def kernel_sums(x: Features, y: Features, kernel: Kernel) -> KernelSums:
    """Add a kernel up over all pairs of two sets, tile by tile in float64.

    Args:
        x: Checked, [N, D].
        y: Checked, [M, D].
        kernel: Symmetric in its two rows.
    """
    within_x, diagonal_x, squares_x = _within(own_tiles(x), len(x), kernel)
    within_y, diagonal_y, squares_y = _within(own_tiles(y), len(y), kernel)
    across_x, across_y, squares = np.zeros(len(x)), np.zeros(len(y)), 0.0
    for tile in tiles(x, y):
        values = kernel(tile)
        across_x[tile.rows] += values.sum(axis=1)
        across_y[tile.columns] += values.sum(axis=0)
        squares += float(np.vdot(values, values))
    return KernelSums(
        within_x, within_y, across_x, across_y,
        (diagonal_x, diagonal_y), (squares_x, squares_y, squares),
    )  # fmt: skip


def without_each(
    x: Features, y: Features, kernel: Kernel, group: NDArray[np.int64]
) -> list[Totals]:
    """Add a kernel up without each group of rows of x in turn.

    What a group takes away are its rows' sums, less its own pairs, which they hold
    twice: one pass over all pairs, and one over the pairs inside each group.

    Args:
        x: Checked, [N, D].
        y: Checked, [M, D].
        kernel: Symmetric in its two rows.
        group: int64 [N], each row's group, from 0 to G - 1 without gaps.
    """
    every = kernel_sums(x, y, kernel)
    whole = every.totals
    found = []
    for left_out in range(int(group.max(initial=-1)) + 1):
        out = group == left_out
        within, diagonal, _ = _within(own_tiles(x[out]), int(out.sum()), kernel)
        rest = whole.within[0] - 2.0 * every.within_x[out].sum() + within.sum()
        found.append(
            Totals(
                whole.n - len(within), whole.m, (float(rest), whole.within[1]),
                whole.across - float(every.across_x[out].sum()),
                (whole.diagonal[0] - diagonal, whole.diagonal[1]),
            )
        )  # fmt: skip
    return found


def _within(
    found: Iterator[Tile], count: int, kernel: Kernel
) -> tuple[NDArray[np.float64], float, float]:
    sums, diagonal, squares = np.zeros(count), 0.0, 0.0
    for tile in found:
        values = kernel(tile)
        if tile.mirrored:
            sums[tile.columns] += values.sum(axis=0)
        else:
            diagonal += float(np.trace(values))
            np.fill_diagonal(values, 0.0)
        sums[tile.rows] += values.sum(axis=1)
        squares += (1.0 + tile.mirrored) * float(np.vdot(values, values))
    return sums, diagonal, squares


@dataclass(frozen=True, slots=True)
class _Side:
    """One set's sums: `within` and `across` by row, and squares of the pairs within."""

    within: NDArray[np.float64]
    across: NDArray[np.float64]
    squares: float


def _mean_product(side: _Side) -> float:
    """E k(1,2) k(3,4), four distinct rows of one set."""
    n = len(side.within)
    total, by_row = side.within.sum(), side.within @ side.within
    pairs = total**2 - 4.0 * by_row + 2.0 * side.squares
    return float(pairs / (n * (n - 1) * (n - 2) * (n - 3)))


def _spread_within(side: _Side) -> float:
    """Var over x of E k(x, x'): E k(1,2) k(1,3) - E k(1,2) k(3,4)."""
    n = len(side.within)
    shared = (side.within @ side.within - side.squares) / (n * (n - 1) * (n - 2))
    return float(shared - _mean_product(side))


def _mean_product_across(x: _Side, y: _Side, squares: float) -> float:
    """E k(x1,y1) k(x2,y2), all distinct."""
    n, m = len(x.across), len(y.across)
    pairs = x.across.sum() ** 2 - x.across @ x.across - y.across @ y.across + squares
    return float(pairs / (n * (n - 1) * m * (m - 1)))


def _spread_across(x: _Side, y: _Side, squares: float) -> float:
    """Var over x of E k(x, y)."""
    n, m = len(x.across), len(y.across)
    shared = (x.across @ x.across - squares) / (n * m * (m - 1))
    return float(shared - _mean_product_across(x, y, squares))


def _covariance(x: _Side, m: int) -> float:
    """Covariance over x of E k(x, x') and E k(x, y), with m rows in y."""
    n, shared = len(x.within), x.within @ x.across
    apart = x.within.sum() * x.across.sum() - 2.0 * shared
    return float(shared / (n * (n - 1) * m) - apart / (n * (n - 1) * (n - 2) * m))


def _first_order(x: _Side, y: _Side, squares: float) -> float:
    """Var over x of a(x) = E k(x, x') - E k(x, y)."""
    together = _covariance(x, len(y.within))
    return _spread_within(x) + _spread_across(x, y, squares) - 2.0 * together


def _second_order(x: _Side, y: _Side, squares: float) -> float:
    """Compute what is left of the variance of MMD^2 without its first order."""
    rest = 0.0
    for side in (x, y):
        n = len(side.within)
        spread = side.squares / (n * (n - 1)) - _mean_product(side)
        rest += 2.0 / (n * (n - 1)) * (spread - 2.0 * _spread_within(side))
    n, m = len(x.within), len(y.within)
    spread = squares / (n * m) - _mean_product_across(x, y, squares)
    spread -= _spread_across(x, y, squares) + _spread_across(y, x, squares)
    return rest + 4.0 / (n * m) * spread


__all__ = ["Discrepancy", "Kernel", "KernelSums", "Totals", "kernel_sums", "without_each"]
