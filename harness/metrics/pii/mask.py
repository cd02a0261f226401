"""Replace personal data and secrets by their type, before text reaches a log or a report."""

from __future__ import annotations

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
