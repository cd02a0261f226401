"""What an endpoint is asked: a case as the body of a request, and how much that may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from harness import registry
from harness.errors import SpecError
from harness.generators.parameters import parameters
from harness.records import Case, Failure
from harness.spec.model import Spec

Api = Literal["chat", "completions", "images"]
PATHS: Mapping[Api, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "images": "/images/generations",
}

# Servers disagree on integers above 2**31 or 2**53; 31 bits are read alike by all.
_SEEDS = 2**31
# Of the roles and marks that a chat template adds around each of two messages.
_TEMPLATE_TOKENS = 64
_Penalty = Annotated[float, Field(ge=-2, le=2)]


class TextParams(Spec):
    """The sampling parameters of a text; what is left out is the server's default.

    The last four are not OpenAI's, but those of vLLM, llama.cpp and others. A server may
    ignore a parameter that it does not know: this cannot be seen from outside.
    """

    temperature: Annotated[float, Field(ge=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 1
    stop: str = ""
    presence_penalty: _Penalty = 0.0
    frequency_penalty: _Penalty = 0.0
    reasoning_effort: str = ""
    top_k: int = 0
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    repetition_penalty: Annotated[float, Field(gt=0)] = 1.0


class ImageParams(Spec):
    """The parameters of a picture; what is left out is the server's default."""

    size: Annotated[str, Field(pattern=r"^([0-9]{1,5}x[0-9]{1,5}|auto)$")] = "auto"
    quality: str = ""
    style: str = ""
    background: str = ""


def check(api: Api, params: Mapping[str, Any]) -> None:
    """Refuse parameters that are not the API's.

    Raises:
        SpecError: One is unknown or out of range. `n` and `stream` are the harness's own.
    """
    kind = ImageParams if api == "images" else TextParams
    known = kind.model_fields
    unknown = [name for name in params if name not in known]
    if unknown:
        hints = [registry.suggest(name, known) for name in unknown]
        raise SpecError(
            f"no parameter of {api} is called {', '.join(map(repr, unknown))}",
            fix="; ".join([*filter(None, hints), f"they are {', '.join(known)}"]),
        )
    parameters(kind, params)


class Form(Spec):
    """How requests are written: what all cases of one endpoint share."""

    api: Api
    model: str
    system: str | None
    max_tokens: int
    max_tokens_field: str
    send_seed: bool
    stream: bool
    ask_b64: bool

    def body(self, case: Case) -> dict[str, Any] | Failure:
        """Write one case as a request, or say why it cannot be."""
        params = {name: value for name, value in case.params.items() if name != "max_tokens"}
        body: dict[str, Any] = {"model": self.model, **params}
        if self.api == "images":
            if case.prompt.system:
                return Failure("the images API takes no system text")
            body |= {"prompt": case.prompt.text}
            body |= {"response_format": "b64_json"} if self.ask_b64 else {}
        else:
            body |= self._text(case)
        return body | ({"seed": case.seed % _SEEDS} if self.send_seed else {})

    def most_tokens(self, case: Case) -> tuple[int, int]:
        """The most tokens that may go in and come out; none of a picture is known before.

        A token is a byte or more in all vocabularies in use.
        """
        if self.api == "images":
            return 0, 0
        read = (case.prompt.system or self.system or "") + case.prompt.text
        most = case.params.get("max_tokens", self.max_tokens)
        return len(read.encode("utf-8", "replace")) + _TEMPLATE_TOKENS, most

    def _text(self, case: Case) -> dict[str, Any]:
        system, prompt = case.prompt.system or self.system, case.prompt.text
        body: dict[str, Any] = {
            self.max_tokens_field: case.params.get("max_tokens", self.max_tokens)
        }
        if self.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.api == "completions":
            return body | {"prompt": f"{system}\n\n{prompt}" if system else prompt}
        turns = [{"role": "system", "content": system}] if system else []
        return body | {"messages": [*turns, {"role": "user", "content": prompt}]}
