"""What a metric is: how it is made from a scorer's columns, and so which interval it has.

A scorer declares its metrics as data (`Proportion`, `Ratio`, ...) rather than
computing them: the kind carries the only interval that fits it, so nobody,
plug-in authors included, can choose a wrong one. This replaces the design's
`Scorer.aggregate`, whose callers had to match each number with an interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[np.generic] | list[Any]]


@dataclass(frozen=True, slots=True)
class Proportion:
    """Share of outputs whose bool `column` is true. Exact interval, clustered by prompt."""

    column: str


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean of a float `column`, each value within `bounds` (None where there is none)."""

    column: str
    bounds: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Sum of `numerator` over sum of `denominator`, then `transform`; cluster bootstrap."""

    numerator: str
    denominator: str
    transform: Literal["identity", "exp"] = "identity"


@dataclass(frozen=True, slots=True)
class Quantile:
    """Quantile `q` in (0, 1) of a float `column`; order-statistic bounds."""

    column: str
    q: float


@dataclass(frozen=True, slots=True)
class Count:
    """Sum of an int `column` over every output: a census of the run, not an estimate."""

    column: str


@dataclass(frozen=True, slots=True)
class PerPrompt:
    """Mean over prompts of `function(values of one prompt)`, which lies within `bounds`.

    `function` takes the float64 array of `column` for one prompt's outputs, [n] or of
    features [n, D], and returns a finite float, or None where they are too few.
    """

    column: str
    function: Callable[[NDArray[np.float64]], float | None]
    bounds: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True, slots=True)
class OfSet:
    """A number of the whole set: `function(columns)`; delete-a-group jackknife over prompts.

    `function` takes the named columns (arrays, or lists for text and ints) of
    any subset of outputs, in one order, and returns a finite float or None.
    """

    columns: tuple[str, ...]
    function: Callable[[Columns], float | None]
    references: tuple[str, ...] = ()
    """Names of the scorer's references, whose vectors `function` is given whole."""
    without: Callable[[Columns, NDArray[np.int64]], NDArray[np.float64] | None] | None = None
    """A quick way to what `function` gives without each group of rows in turn, where one
    pass can tell all: of the columns of all rows, and int64 [n], each row's group from 0 to
    G - 1. Float64 [G]; None where some rest has no number."""
    bias: Literal["kept", "removed"] = "kept"
    """Whether the bias of order 1/n is taken out of the value: with v_g the number without
    group g, G v - (G - 1) mean v_g (Quenouille 1956). The bounds move with it."""


Kind = Proportion | Mean | Ratio | Quantile | Count | PerPrompt | OfSet


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDef:
    """What a metric is: how it is computed, its unit, and which direction is good.

    `n_min` is the fewest scored outputs it is defined for. `bounds` hold what
    the value can never leave (a share: 0 and 1). `version` names the
    definition in the signature; change it when the meaning changes.
    """

    kind: Kind
    unit: str
    better: Literal["lower", "higher", "neither"]
    n_min: int = 1
    version: str = "1"


__all__ = [
    "Count",
    "Kind",
    "Mean",
    "MetricDef",
    "OfSet",
    "PerPrompt",
    "Proportion",
    "Quantile",
    "Ratio",
]
