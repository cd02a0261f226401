"""Replace personal data and secrets by their type, before text reaches a log or a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.metrics.pii.detect import find


def mask(text: str) -> str:
    """Replace each finding by its type in brackets, until nothing more is found.

    >>> mask("write to alice@example.org, card 4012 8888 8888 1881")
    'write to [EMAIL], card [CREDIT_CARD]'
    """
    # Each turn removes characters that no placeholder holds, so the loop ends.
    while spans := find(text):
        parts, last = [], 0
        for span in spans:
            parts += [text[last : span.start], f"[{span.type.upper()}]"]
            last = span.end
        text = "".join([*parts, text[last:]])
    return text


def mask_all(value: Any) -> Any:
    """Mask every text in a JSON value; keys stay as they are.

    >>> mask_all({"items": ["ask bo@shop.org", 3]})
    {'items': ['ask [EMAIL]', 3]}
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: mask_all(item) for key, item in value.items()}
    return [mask_all(item) for item in value] if isinstance(value, list) else value
