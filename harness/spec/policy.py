"""The policy: what must hold, with what certainty, and what follows when it does not."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.records import Identity, Severity
from harness.spec.model import Metadata, Name, Share, Spec
from harness.spec.requirement import (
    Comparison,
    Conformance,
    Coverage,
    Day,
    Document,
    Requirement,
    Slices,
)

Confidence = Annotated[float, Field(gt=0.5, lt=1)]
Decide = Literal["bound", "point", "both"]
KINDS = ("require", "compare", "conform", "coverage", "document")
EDITIONS = {"NIST-AI-600-1": "final-2024-07"}
"""The one edition of a framework whose drafts number other clauses in the same way."""


class Mapping(Spec):
    """The clause of a framework that a rule gives evidence for."""

    framework: str
    """The framework, for example NIST-AI-600-1."""
    edition: str
    """Its edition; clause numbers differ between editions."""
    clause: str
    """The clause's number."""
    relation: Literal["supports", "partially-supports", "satisfies"] = "supports"
    """How far the rule's evidence goes for the clause."""

    @model_validator(mode="after")
    def _of_the_final_edition(self) -> Self:
        edition = EDITIONS.get(self.framework, self.edition)
        if self.edition != edition:
            raise ValueError(
                f"of {self.framework} only the edition {edition!r} is taken: in its drafts "
                "the same numbers stand for other clauses"
            )
        return self


class Rule(Spec):
    """One thing that must hold and how it is decided; unset keys come from `defaults`.

    Exactly one of `require`, `compare`, `conform`, `coverage` and `document`
    says what must hold.
    """

    id: Name
    """The rule's own name; waivers and reports speak of it."""
    require: Requirement | None = None
    """A limit on a metric: a rate, a mean, a quantile, a distance or an exact count."""
    compare: Comparison | None = None
    """How a metric must stand to that of another model or strategy, prompt by prompt."""
    conform: Conformance | None = None
    """What every single output must be; nothing is estimated."""
    coverage: Coverage | None = None
    """How many prompts of each kind the suite must ask."""
    document: Document | None = None
    """A document that must be there, signed by people."""
    severity: Severity = "block"
    """`legal` and `block` decide the verdict; `warn` and `observe` are only listed."""
    why: str = ""
    """Why this limit was chosen, printed beside every verdict."""
    confidence: Confidence | None = None
    """The confidence of the bound that must clear the limit."""
    decide: Decide | None = None
    """Decide on the interval's bound, on the estimate where a law is written so, or on both."""
    max_unscored: Share | None = None
    """The share of outputs that may lack a score before the rule is inconclusive."""
    n_min: Annotated[int, Field(ge=1)] | None = None
    """The fewest scored outputs the rule is decided on."""
    slices: Slices | None = None
    """Judge each value of a tag instead of everything together."""
    maps: tuple[Mapping, ...] = ()
    """Clauses the rule gives evidence for."""
    override: bool = False
    """Replace the rule of this id that a policy under `extends` brings; never a legal one."""

    @property
    def kind(self) -> str:
        """Which of the five kinds of rule it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def metric(self) -> str:
        """The metric it speaks of; empty for a document or the coverage of prompts."""
        asked = self.require or self.compare or self.conform
        return asked.metric if asked else ""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(f"`{kind}`" for kind in given) or "none"
            kinds = ", ".join(f"`{kind}`" for kind in KINDS)
            raise ValueError(f"give exactly one of {kinds}; here is {found}")
        if self.decide == "point" and self.n_min is None:
            raise ValueError(
                "`decide: point` needs `n_min`: a bare estimate says nothing about n"
            )
        if self.slices and given[0] in ("coverage", "document"):
            raise ValueError(f"`slices` have no meaning for `{given[0]}`")
        return self


class Defaults(Spec):
    """What a rule says when it says nothing. A file's defaults are for its own rules."""

    confidence: Confidence = 0.95
    """The confidence of the bound that must clear the limit."""
    decide: Literal["bound", "both"] = "bound"
    """A file-wide `point` is not offered: one rule at a time may ask for it."""
    cluster_by: str = "prompt_id"
    """What is independent: prompts, or the values of a tag, such as a conversation's."""
    max_unscored: Share = 0.02
    """The share of outputs that may lack a score before a rule is inconclusive."""
    n_min: Annotated[int, Field(ge=1)] = 1
    """The fewest scored outputs a rule is decided on."""


class Extension(Spec):
    """Another policy whose rules this one takes over: a shipped pack, or a file."""

    pack: Name | None = None
    """A pack's name; `harness list packs` shows them."""
    file: str | None = None
    """A policy file; a relative path starts at this policy's folder."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.pack is None) == (self.file is None):
            raise ValueError("give exactly one of `pack` and `file`")
        return self


class Verified(Spec):
    """Who held a pack's numbers against the official text."""

    by: str
    """The person."""
    date: Day
    """The day, as YYYY-MM-DD."""
    page: str
    """Where in the text."""


class Pack(Spec):
    """What stands behind the numbers of a pack; a banner is printed until they are verified."""

    name: Name
    """The pack's name."""
    source: str
    """The law or standard, with its date."""
    grade: Literal["official", "transcription", "secondary", "own"]
    """Where the numbers were read: the official text, a copy of it, others' accounts."""
    status: str = ""
    """What is known to be missing or doubtful."""
    verified: Verified | None = None
    """Who checked the numbers against the official text; null until someone did."""


class EvidenceSpec(Spec):
    """What a run must be before any rule is decided on it."""

    identity: tuple[Identity, ...] = ()
    """What the generator's digest may vouch for: `weights`, `corpus`, `declared`, `code`."""
    prompts: Annotated[int, Field(ge=1)] | None = None
    """The fewest distinct prompts."""
    suite: str | None = None
    """The digest of the only suite that counts, as `harness validate --json` prints it."""
    scorers: dict[str, str] = Field(default_factory=dict)
    """The fingerprint of each scorer that counts, by its name; the first 12 digits do."""
    max_age_days: Annotated[int, Field(ge=1)] = 30
    """How many days after it was signed a pass still lets a model be promoted."""


class PolicySpec(Spec):
    """A whole policy file. At least one rule must be able to block."""

    apiVersion: Literal["harness/v1"]  # noqa: N815 - the key people write
    """The version of this file format."""
    kind: Literal["Policy"]
    """What this file is."""
    metadata: Metadata
    """What the policy is called and who answers for it."""
    pack: Pack | None = None
    """For packs alone: where the numbers come from."""
    packs: tuple[Pack, ...] = ()
    """The packs that were taken over; written by harness, never by hand."""
    extends: tuple[Extension, ...] = ()
    """Policies whose rules come first; this file adds to them."""
    defaults: Defaults = Defaults()
    """What every rule of this file says unless it says otherwise."""
    evidence: EvidenceSpec = EvidenceSpec()
    """What a run must be before it is judged."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 1
    """How many tries the same model gets; each is held to a bound stricter by their number."""
    not_applicable: dict[Name, str] = Field(default_factory=dict)
    """Rules that do not apply, each with the reason; `legal` ones always do."""
    rules: tuple[Rule, ...] = ()
    """What must hold; the verdict is the worst of the rules that can block."""

    @model_validator(mode="after")
    def _distinct_rules(self) -> Self:
        twice = [k for k, n in Counter(rule.id for rule in self.rules).items() if n > 1]
        if twice:
            raise ValueError(f"two rules share the id {twice[0]!r}")
        return self

    @model_validator(mode="after")
    def _can_block(self) -> Self:
        if self.extends:
            return self  # what it takes over is checked once it is known
        if not self.rules:
            raise ValueError("there is no rule, so nothing could ever fail")
        counted = [r for r in self.rules if r.id not in self.not_applicable]
        if not any(rule.severity in ("legal", "block") for rule in counted):
            raise ValueError(
                "no rule has severity `block` or `legal`, so nothing could ever fail"
            )
        return self

    @model_validator(mode="after")
    def _excepts_known_rules(self) -> Self:
        by_id = {rule.id: rule for rule in self.rules}
        for name, reason in self.not_applicable.items():
            if name not in by_id and not self.extends:
                raise ValueError(f"`not_applicable` names {name!r}, which is no rule here")
            if name in by_id and by_id[name].severity == "legal":
                raise ValueError(f"{name!r} is a legal rule: it always applies")
            if not reason.strip():
                raise ValueError(f"{name!r} needs a written reason for not applying")
        return self
