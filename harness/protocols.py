"""The shapes that anything plugged into the harness must have.

Constructors are cheap: they take a checked `Options` and touch nothing.
Weights, sockets and files are opened in `__enter__` and freed in `__exit__`.
Methods may raise anything; the engine turns what they raise into rows.

The kinds of metrics are `harness.kinds`, offered here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from harness.kinds import (
    Count,
    Kind,
    Mean,
    MetricDef,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)
from harness.records import (
    Case,
    Failure,
    Generated,
    Identity,
    Media,
    Modality,
    Reading,
    RunView,
    Sample,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.kinds import Columns as Columns

T = TypeVar("T")
ColumnType = Literal["bool", "int", "float", "text", "ints", "floats", "features"]
"""Of a column `features`, named like one of the scorer's encoders, only the key is stored;
it is read as the encoder's vectors, float32 [n, D]. The engine fills it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A planted item: scoring it must set the bool `column` to `expected`.

    It is a `text`, or, where `reference` names one of the scorer's references, a
    picture of that dataset, which the encoder reads again as if it were an output.
    Its scores are never stored; if it does not fire, every score of the run is
    an error, because a broken detector finds nothing and would pass.
    """

    column: str
    text: str = ""
    reference: str = ""
    expected: bool = True


class Loaded(Protocol):
    """Something with weights: opened once, used for many batches, then closed.

    Its class may have `immaterial`: the names of options on which nothing that it makes
    depends but when, such as a rate. They are no part of its fingerprint, so finished
    work is kept when they change.
    """

    requires: Sequence[str]
    """Distributions whose installed version is part of the fingerprint."""

    @property
    def weights(self) -> Mapping[str, str]:
        """Each weight file or folder, by name, with its sha256 or pinned revision.

        Known before `__enter__`, so a run can be resumed or judged without
        loading a model. Empty for what has no weights.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


class Generator(Loaded, Protocol):
    """Turns cases into media."""

    @property
    def modality(self) -> Modality:
        """The kind of media every call returns."""
        ...

    batch: int
    """How many cases to hand over at once; the plan is cut at this size."""

    identity: Identity
    """What its fingerprint vouches for: weights on disk, an endpoint, a file, only code."""

    folder: Path | None
    """Where its weights lie on this machine, when they do."""

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse sampling parameters it cannot honour, before anything is generated.

        Raises:
            SpecError: A parameter is unknown, or does not fit the others.
        """
        ...

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Answer a batch: one answer or failure per case, in the same order."""
        ...


class Scorer(Loaded, Protocol):
    """Reads outputs one by one; its metrics say how the readings are summed up."""

    accepts: frozenset[Modality]
    batch: int

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """Every column a reading has, with its type."""
        ...

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Every metric made from those columns."""
        ...

    @property
    def controls(self) -> Sequence[Control]:
        """Planted items that must be read rightly before anything is scored."""
        ...

    @property
    def caveat(self) -> str:
        """What this scorer is known to miss, for the report. Empty when nothing is."""
        ...

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Read a batch: one reading or failure per sample, in the same order."""
        ...


class Encoder(Loaded, Protocol):
    """Turns media into vectors, once for each distinct medium, for all scorers that ask."""

    accepts: frozenset[Modality]
    batch: int

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch: a vector float32 [D] or a failure for each medium, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoder that a scorer needs: its registered name and options.

    With `prompts`, each case's prompt is encoded too, as `<name>:prompt`.
    """

    use: str
    options: Mapping[str, Any] = field(default_factory=dict)
    prompts: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A dataset of images that outputs are held against, through one of the encoders.

    `dataset` is a folder, an archive, a Parquet file, or an asset that is one.
    """

    dataset: Path
    digest: str
    encoder: str


class Encoded(Scorer, Protocol):
    """A scorer that reads vectors: each sample brings those of its encoders and references."""

    encoders: Mapping[str, Encoding]
    references: Mapping[str, Reference]


class Executor(Protocol):
    """Runs a plug-in somewhere: here, or in workers elsewhere."""

    def opened(self, plugin: Any) -> AbstractContextManager[Crew]:
        """Open a plug-in's weights wherever its batches are to run, and close them after."""
        ...


class Crew(Protocol):
    """A plug-in that is open, in one place or several."""

    def map(
        self, method: str, batches: Iterator[Sequence[T]]
    ) -> Iterator[tuple[Sequence[T], Sequence[Any | Failure], float]]:
        """Call a method with each batch; yield them in order, whoever does them.

        Each comes with one result or failure per item, and its wall seconds.
        """
        ...


class Reporter(Protocol):
    """Turns a finished run into bytes; writing them is not its business."""

    filename: str

    def render(self, run: RunView) -> bytes:
        """Render the run. The same run gives the same bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Bound:
    """A plug-in with its name in the suite and its identity."""

    name: str
    use: str
    plugin: Any
    fingerprint: str
    identity: Mapping[str, Any] = field(default_factory=dict)
    encoders: Mapping[str, Bound] = field(default_factory=dict)
    """Of a scorer: the encoders it asks for, by the names it gives them."""
    references: Mapping[str, Reference] = field(default_factory=dict)
    """Of a scorer: the datasets it holds outputs against, by the names it gives them."""


__all__ = [
    "Bound",
    "ColumnType",
    "Control",
    "Count",
    "Crew",
    "Encoded",
    "Encoder",
    "Encoding",
    "Executor",
    "Generator",
    "Kind",
    "Loaded",
    "Mean",
    "Media",
    "MetricDef",
    "OfSet",
    "PerPrompt",
    "Proportion",
    "Quantile",
    "Ratio",
    "Reference",
    "Reporter",
    "Scorer",
]
