"""What a suite says of an endpoint, checked before anything is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from harness.generators.endpoint_hosts import Allowed, HostError, site
from harness.generators.endpoint_requests import Api
from harness.spec.model import Spec
from harness.spec.secret import Secret, refers, refuse_outside

IMMATERIAL = frozenset({
    "max_concurrency", "retries", "timeout_seconds", "max_wait_seconds",
    "requests_per_minute", "tokens_per_minute", "max_tokens_total", "max_cost",
    "price_per_million", "price_per_image", "batch",
})  # fmt: skip
"""How fast it is asked, how patiently and for how much: which cases are answered so far
depends on it, and no answer does."""

_SENSITIVE = re.compile("auth|key|token|secret|cookie|passw|credential", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "accept-encoding"})
_SECRETS = ("api_key", "headers")
_Count = Annotated[int, Field(ge=1)]
_Money = Annotated[float, Field(ge=0)]


class PerMillion(Spec):
    """Money for a million tokens."""

    input: _Money
    """Those that go in: prompts."""
    output: _Money
    """Those that come out."""


class Options(Spec):
    """Where the server is, what it is asked, how fast, and for how much.

    `hosts`: which addresses or networks may be reached beside public ones, and which
    hosts without TLS. `api_key` and secret `headers` are `${env:NAME}` only.
    """

    base_url: str
    """Up to the version: `https://api.example.com/v1`."""
    model: Annotated[str, Field(min_length=1)]
    api: Api = "chat"
    api_key: Secret | None = None
    """Sent as `Authorization: Bearer`."""
    headers: dict[str, str] = Field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    system: str | None = None
    """A system text for every case without one of its own."""
    max_tokens: _Count = 512
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    send_seed: bool = False
    """Send the case's seed, to 31 bits: only some servers know the field."""
    stream: bool = True
    """Ask for texts piece by piece, which tells when the first token came."""
    ask_b64: bool = True
    """Send `response_format: b64_json`, which some models of pictures refuse."""
    max_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    retries: Annotated[int, Field(ge=0, le=20)] = 4
    timeout_seconds: Annotated[float, Field(gt=0)] = 120.0
    """For a whole answer, each time it is asked for."""
    max_wait_seconds: Annotated[float, Field(ge=0)] = 60.0
    """The longest pause before asking again, whatever the server says."""
    requests_per_minute: _Count | None = None
    tokens_per_minute: _Count | None = None
    max_tokens_total: _Count | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None
    price_per_million: PerMillion | None = None
    price_per_image: _Money | None = None
    batch: _Count | None = None
    """How many cases are stored at a time: eight times `max_concurrency` unless set. A run
    that is stopped keeps what of them is answered, and loses the requests under way. One
    that goes on keeps the batches that it began with, and asks no more than one at a time."""

    @property
    def secrets(self) -> Sequence[str]:
        """The texts in which secrets are named."""
        return [text for text in (self.api_key, *self.headers.values()) if text]

    @field_validator("*")
    @classmethod
    def _sent_as_it_stands(cls, value: object, info: ValidationInfo) -> object:
        refuse_outside(_SECRETS, info.field_name, value)
        return value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        place, allowed = site(self.base_url), Allowed(self.hosts)
        if place.scheme == "http" and not allowed.named(place.host):
            raise ValueError("http without TLS is for hosts that are listed in `hosts`")
        try:
            literal = ip_address(place.host)
        except ValueError:
            return self
        try:
            allowed.check(place.host, [literal])
        except HostError as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _secretive(self) -> Self:
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name) or name.lower() in _OWN_HEADERS:
                raise ValueError(f"`headers` cannot set {name[:40]!r}")
            if _SENSITIVE.search(name) and not refers(value):
                raise ValueError(f"the header {name} is a secret: write ${{env:NAME}}")
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"the header {name} holds what no header can")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        images = self.api == "images"
        if images and (self.max_tokens_total or self.tokens_per_minute):
            raise ValueError("tokens of a picture are not known before it is asked for")
        if images and self.system:
            raise ValueError("the images API takes no `system`")
        price = "price_per_image" if images else "price_per_million"
        if self.max_cost and getattr(self, price) is None:
            raise ValueError(f"`max_cost` needs `{price}`")
        return self
