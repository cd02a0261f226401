"""What an endpoint answered, read without trust: an answer, or in words what is wrong."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Literal

from harness import pictures
from harness.records import Failure, Image, Media

_MOST_TOKENS = 2**31
_TOLD_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, with the tokens as the endpoint counted them, where it did."""

    media: Media
    finish: Literal["stop", "length", "unknown"] = "unknown"
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0
    first_token_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why there is no answer, and what that means for the next request.

    `again`: another try may help. `slower`: the endpoint is asked too much. `wait`: the
    seconds that it asks to be left alone. `charged`: it may have worked, and bill it.
    """

    reason: str
    again: bool = False
    slower: bool = False
    wait: float | None = None
    charged: bool = False


def parsed(data: bytes | str) -> object:
    """Read JSON; None where it is none: no reply that counts is `null`."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def at(value: object, *path: str | int) -> object:
    """What lies at a path of keys and places, or None."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def tokens(reply: object) -> tuple[int | None, int | None]:
    """The tokens that went in and came out, where the reply says so credibly."""
    usage = at(reply, "usage")
    # The images API has names of its own for the same two numbers.
    found = [
        at(usage, name) if at(usage, name) is not None else at(usage, other)
        for name, other in (
            ("prompt_tokens", "input_tokens"),
            ("completion_tokens", "output_tokens"),
        )
    ]
    return _count(found[0]), _count(found[1])


def text_answer(reply: object) -> Answer | Trouble:
    """Read the answer of the chat or the completions API."""
    choice = at(reply, "choices", 0)
    text = at(choice, "message", "content")
    if text is None:
        text = at(choice, "message", "refusal") or at(choice, "text")
    return answered(text, at(choice, "finish_reason"), reply)


def answered(text: object, finish: object, reply: object) -> Answer | Trouble:
    """Make an answer of a text and why it ended.

    What a filter withheld is no answer: a cut text would be scored as the model's.
    """
    if finish == "content_filter":
        return Trouble(reason="the endpoint's content filter withheld the answer", charged=True)
    if not isinstance(text, str):
        return Trouble(reason=f"the reply holds no text: {shape(reply)}", charged=True)
    tokens_in, tokens_out = tokens(reply)
    ended: Literal["stop", "length", "unknown"] = "unknown"
    if finish in ("stop", "length"):
        ended = "stop" if finish == "stop" else "length"
    return Answer(media=text, finish=ended, tokens_in=tokens_in, tokens_out=tokens_out)


def image_answer(reply: object) -> Answer | Trouble:
    """Read the answer of the images API: a picture in the reply, never one elsewhere."""
    data = at(reply, "data", 0, "b64_json")
    if not isinstance(data, str):
        if isinstance(at(reply, "data", 0, "url"), str):
            return Trouble(
                reason="the picture is at a URL, which is not fetched: ask for b64_json",
                charged=True,
            )
        return Trouble(reason=f"the reply holds no picture: {shape(reply)}", charged=True)
    image = _picture(data)
    if isinstance(image, Failure):
        return Trouble(reason=image.reason, charged=True)
    tokens_in, tokens_out = tokens(reply)
    return Answer(media=image, finish="stop", tokens_in=tokens_in, tokens_out=tokens_out)


def complaint(data: bytes) -> str:
    """What an error reply says, in a line; empty where it says nothing in JSON."""
    reply = parsed(data)
    if isinstance(reply, list) and reply:
        reply = reply[0]
    found = (
        at(reply, "error", "message"), at(reply, "error"), at(reply, "message"),
        at(reply, "detail"),
    )  # fmt: skip
    said = next((one for one in found if isinstance(one, str)), "")
    line = " ".join(said.split())
    return line if len(line) <= _TOLD_CHARACTERS else f"{line[:_TOLD_CHARACTERS]}..."


def shape(reply: object) -> str:
    """The outline of a reply, without its content."""
    if isinstance(reply, dict):
        keys = ", ".join(sorted(str(key)[:20] for key in reply)[:6])
        return f"an object of {keys or 'nothing'}"
    return f"a JSON {type(reply).__name__}"


def _count(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and 0 <= value < _MOST_TOKENS else None


def _picture(data: str) -> Image | Failure:
    if len(data) > pictures.MAX_BYTES * 4 // 3 + 4:
        return Failure(f"the picture has more than {pictures.MAX_BYTES:,} bytes")
    try:
        return pictures.decode(base64.b64decode(data, validate=True))
    except binascii.Error:
        return Failure("the picture is no base64")
