"""What a rule can ask: the five kinds of requirement, and the slices it is asked of."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from harness.spec.model import Spec

_AGAINST = re.compile(r"champion|anchor:[0-9a-f]{12,64}|(strategy|generator):[A-Za-z0-9._-]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError(f"should be a date as YYYY-MM-DD, not {text[:40]!r}")
    date.fromisoformat(text)
    return text


Day = Annotated[str, AfterValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A day that is in the calendar, as YYYY-MM-DD."""

_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What the DER form of every Ed25519 public key begins with."""


class Requirement(Spec):
    """One limit on one metric: `metric op value`."""

    metric: str
    """The metric, as `scorer.metric`."""
    op: Literal["<=", ">=", "=="]
    """How the metric must stand to the value."""
    value: float
    """The limit; a share lies in [0, 1]."""


class Comparison(Spec):
    """How a metric must stand to the same metric of something else, on the same prompts."""

    metric: str
    """The metric, as `scorer.metric`."""
    against: str
    """`champion` (what the alias serves now), `anchor:<seal>` (a frozen run), or in the
    same run `strategy:<name>` or `generator:<name>`."""
    test: Literal["noninferior", "superior", "equivalent"] = "noninferior"
    """Not worse by more than the margin, better by more than it, or apart by no more."""
    margin: float = 0.0
    """In the metric's unit, or as a share of the other's value where `relative`."""
    relative: bool = False
    """Whether the margin is a share of the other's value; below 0 asks for an improvement."""
    paired: bool = True
    """Compare prompt by prompt; unpaired differences are wider and never needed here."""
    if_absent: str = ""
    """Why the rule does not apply while there is no champion yet; without it, inconclusive."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not _AGAINST.fullmatch(self.against):
            raise ValueError(
                "`against` is `champion`, `anchor:<seal digest>`, `strategy:<name>` or "
                "`generator:<name>`"
            )
        if self.relative and self.margin <= -1.0:
            raise ValueError("a relative margin lies above -1")
        if self.test == "equivalent" and self.margin <= 0.0:
            raise ValueError("`equivalent` needs a margin above 0")
        if self.margin < 0.0 and (not self.relative or self.test == "superior"):
            raise ValueError(
                "a margin below 0 asks for an improvement, as a share: it needs `relative` "
                "and `test: noninferior`; else say `superior`, with a margin of 0 or more"
            )
        if self.if_absent and self.against != "champion":
            raise ValueError("`if_absent` is about the champion; nothing else may be absent")
        return self


class Conformance(Spec):
    """What every planned output must be: a census, so one missing score is not a pass."""

    metric: str
    """A rate, as `scorer.metric`."""
    expect: Literal["all", "none"] = "all"
    """Whether the rate must be 1 or 0, over every output."""


class Coverage(Spec):
    """How many distinct prompts a suite must ask, in all and of each kind."""

    by: str
    """The tag whose values are the kinds."""
    total: Annotated[int, Field(ge=1)] | None = None
    """The fewest prompts in all."""
    each: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """The fewest prompts of each value of the tag."""
    where: dict[str, str] = Field(default_factory=dict)
    """Count only prompts with these tags, such as one bank of several."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.total is None and not self.each:
            raise ValueError("give `total`, `each`, or both")
        return self


class Document(Spec):
    """A document that must be there, with so many valid signatures.

    `file` is signed by `openssl pkeyutl -sign -rawin -inkey NAME.pem -in FILE
    -out FILE.NAME.sig` with an Ed25519 key.
    """

    file: str
    """The document; a relative path starts at the policy's folder."""
    signed_by: dict[str, str] = Field(default_factory=dict)
    """Who may sign: each person's Ed25519 public key, as the base64 inside its PEM."""
    signatures: Annotated[int, Field(ge=0)] = 1
    """The fewest different people whose signature must be valid."""
    max_age_days: Annotated[int, Field(ge=1)] | None = None
    """The oldest the document may be, by the date in `dated`."""
    dated: Day | None = None
    """The document's date, as YYYY-MM-DD."""

    @model_validator(mode="after")
    def _can_be_signed(self) -> Self:
        if self.signatures > len(self.signed_by):
            raise ValueError(
                f"`signatures: {self.signatures}` asks for more people than may sign, "
                f"{len(self.signed_by)}: name their keys under `signed_by`"
            )
        keys: dict[bytes, str] = {}
        for name, key in self.signed_by.items():
            other = keys.setdefault(_ed25519(name, key), name)
            if other != name:
                raise ValueError(f"{other} and {name} have one key, and so are one person")
        if self.max_age_days is not None and self.dated is None:
            raise ValueError("`max_age_days` needs `dated`, the document's date")
        return self


def _ed25519(name: str, key: str) -> bytes:
    """The 32 bytes of a public key, out of the base64 of its PEM (RFC 8410)."""
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != len(_ED25519) + 32 or not raw.startswith(_ED25519):
        raise ValueError(
            f"the key of {name} is no Ed25519 public key: give the one line of base64 "
            "between the BEGIN and END of `openssl pkey -in KEY.pem -pubout`"
        )
    return raw[len(_ED25519) :]


class Slices(Spec):
    """Judge the rule on each value of tag `by` instead of on everything.

    `only` keeps these values and requires each of them. A value with fewer
    than `min_n` scored outputs is inconclusive. Every slice must pass, each at
    the rule's confidence; among many slices some would seem to fail by chance,
    so `family: holm` corrects what is called a fail.
    """

    by: str
    """The tag whose values are the slices."""
    only: tuple[str, ...] | None = None
    """The values to judge, each of which must be there; all that occur when left out."""
    min_n: Annotated[int, Field(ge=1)] = 1
    """The fewest scored outputs a slice is decided on."""
    on_empty: Literal["inconclusive", "fail"] = "inconclusive"
    """What a slice without any output comes to."""
    family: Literal["holm", "none"] = "holm"
    """Correct fails for the number of slices; passes never need it."""
