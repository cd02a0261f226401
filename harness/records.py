"""The rows of a run, in the order they are born.

Suite -> Case -> Output -> Score -> Metric -> Finding -> Verdict

Rows are frozen and hold plain values, so they can be stored, hashed and
compared. Nothing here knows about files, models or policies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Modality = Literal["text", "image", "audio", "video"]
Status = Literal["ok", "error", "unsupported"]
Place = Literal["worst", "best", "drawn"]
Outcome = Literal["pass", "fail", "inconclusive", "waived", "not_applicable"]
Severity = Literal["legal", "block", "warn", "observe"]
Identity = Literal["weights", "declared", "corpus", "code"]
Cell = bool | int | float | str | Sequence[int] | Sequence[float]
Reading = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture. `pixels`: uint8 [H, W, 3], RGB, 0..255."""

    pixels: NDArray[np.uint8]


Media = str | Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One thing to ask. `prompt_id` is the digest of all other fields."""

    prompt_id: str
    text: str
    system: str | None = None
    reference: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One unit of work: one prompt, one strategy, one repeat, for one generator.

    `case_id` is the digest of all other fields. `seed` (63 bits) depends on the
    suite's seed, the prompt and the repeat only, so that strategies and
    generators are compared on the same noise.
    """

    case_id: str
    generator: str
    strategy: str
    params: Mapping[str, Any]
    prompt: Prompt
    repeat: int
    seed: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no output or no score for one item, in a line."""

    reason: str
    status: Literal["error", "unsupported"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What a generator answers to one case.

    `seconds`: wall time until this answer was complete, when the generator
    knows it; the engine measures the batch otherwise. `first_token_seconds`:
    wall time to the first token. `tokens`: tokens made, end token included.
    `finish`: `stop` at an end token, `length` when cut by a limit.
    """

    media: Media
    seconds: float | None = None
    first_token_seconds: float | None = None
    tokens: int | None = None
    finish: Literal["stop", "length", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A stored answer, or its error. `output_id` digests the case and the generator.

    `text` holds text; other media lie in the run's `media/` under `media`, the
    sha256 of their bytes. `batch_seconds` and `batch_size` describe the call
    that made it, for throughput.
    """

    output_id: str
    case_id: str
    batch_id: str
    fingerprint: str
    status: Status
    text: str | None = None
    media: str | None = None
    seconds: float | None = None
    first_token_seconds: float | None = None
    tokens: int | None = None
    finish: str | None = None
    batch_seconds: float | None = None
    batch_size: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a scorer is shown: the case, what came back, and how it came.

    `features` are the vectors of its encoders, float32 [D], by their names;
    `references` those of the datasets it names, float32 [N, D].
    """

    case: Case
    output: Output
    media: Media
    features: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    references: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number over many scores, with its one-sided bounds and its denominator.

    `low` and `high` are each a bound at `confidence` on their own (together an
    interval at 2 * confidence - 1); None means unbounded on that side. Missing
    scores are already in them at their worst. `n` scores were used, `missing`
    were planned but have none, over `clusters` prompts. `value` is None when
    nothing could be computed, and `cause` says why. Never NaN.
    """

    generator: str
    strategy: str
    slice: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    confidence: float
    n: int
    missing: int
    clusters: int
    kind: str
    unit: str
    better: str
    signature: str
    design_effect: float | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says of one slice of one generator's strategy.

    `cause` is `evidence` where the numbers decided, otherwise what stood in
    the way. `needed` is how many prompts would decide an inconclusive rule at
    the rate seen, where that can be said.

    `kind` is the kind of rule, and `asked` what it asks in words where `metric
    op limit` does not say it all. In a comparison `value`, `low` and `high` are
    those of the difference from `against`. `point` and `bound` are the two
    readings, of the estimate and of its bounds, and `decided_by` names the one
    that decided. `waiver` is the id of the waiver that excused the finding.
    """

    rule: str
    metric: str
    slice: str
    outcome: Outcome
    cause: str
    severity: Severity
    op: str
    limit: float
    value: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    clusters: int
    needed: int | None
    message: str
    why: str = ""
    kind: str = "require"
    asked: str = ""
    against: str = ""
    point: Outcome | None = None
    bound: Outcome | None = None
    decided_by: str = "bound"
    waiver: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings about one generator under one strategy, and what they come to."""

    generator: str
    strategy: str
    outcome: Outcome
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image output as a report shows it.

    `source` is a small copy as a `data:` address, empty where nothing came
    back; `width` and `height` are the output's own. `place` says why it is
    shown: among the worst or best of its arm, or drawn for all arms alike.
    `measure` says what `score` is, and `hidden` why it is blurred.
    """

    source: str
    width: int
    height: int
    place: Place
    measure: str = ""
    score: float | None = None
    hidden: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One output shown in a report, with what its scorers flagged in it.

    `picture` is there where its arm makes images, even if this one failed.
    """

    generator: str
    strategy: str
    prompt: str
    text: str
    status: Status
    flags: tuple[str, ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Why some planned cases have no output, or some outputs no score, and how many.

    `stage` is `generate` or the scorer's name.
    """

    generator: str
    strategy: str
    stage: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """A waiver as it was applied: what it excuses, and how often it was used.

    `idle` says why, where it was not used.
    """

    id: str
    rule: str
    slice: str
    reason: str
    requested_by: str
    approved_by: str
    expires: str
    ticket: str
    used: int
    strategy: str | None = None
    idle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An earlier try of the same model under the same policy and exam, as logged.

    `subject` digests the model and its way of sampling, without their names in the suite.
    """

    run_id: str
    generator: str
    seed: int
    outcome: str
    entry: str
    strategy: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progression:
    """How far a sequential gate went with one arm, in prompts and looks.

    `fixed` is what a plan of fixed size would have needed at the rates seen.
    """

    generator: str
    strategy: str
    used: int
    planned: int
    fixed: int | None
    looks: int
    allowed: int
    stopped: Literal["decided", "budget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A finished run, read-only, as reporters and the ledger see it.

    `suite` and `policy` are the checked files as plain JSON values; `digests`
    names what the decision rests on; `environment` is the machine and versions;
    `caveats` are the scorers' own limits; `notices` are warnings about the
    policy; `judged_on` is the day, where a rule or a waiver depends on it.
    """

    run_id: str
    outcome: Outcome | None
    suite: Mapping[str, Any]
    policy: Mapping[str, Any] | None
    digests: Mapping[str, Any]
    environment: Mapping[str, Any]
    caveats: Mapping[str, str]
    metrics: tuple[Metric, ...]
    verdicts: tuple[Verdict, ...]
    examples: tuple[Example, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    excuses: tuple[Excuse, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    progressions: tuple[Progression, ...] = ()
    notices: tuple[str, ...] = ()
    judged_on: str | None = None
