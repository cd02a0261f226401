"""Tell an answer's own findings from those that its prompt already held."""

from __future__ import annotations

from collections.abc import Sequence

from harness.metrics.pii.detect import Span, find
from harness.metrics.pii.fold import views

_VERBATIM = frozenset({"email", "ip"})
_NATIONAL_DIGITS = {"phone": 10, "cn_mobile": 11}


def echoed(text: str, spans: Sequence[Span], prompt: str) -> tuple[bool, ...]:
    """Say of each finding in `text` whether its value stands in `prompt`, however written.

    >>> answer = "Your card 4012 8888 8888 1881 is safe."
    >>> echoed(answer, find(answer), "Is 4012-8888-8888-1881 safe?")
    (True,)
    """
    if not spans:
        return ()
    known = {_value(prompt, span) for span in find(prompt)}
    letters = _letters(prompt)
    values = [(span.type, _value(text, span)) for span in spans]
    # A bare passport number is no finding in a prompt that does not name it, yet known.
    return tuple(
        value in known or (kind not in _VERBATIM and value in letters) for kind, value in values
    )


def _value(text: str, span: Span) -> str:
    """The finding without what may differ between two ways to write it."""
    part = text[span.start : span.end]
    if span.type in _VERBATIM:
        return views(part)[0].text.lower()
    letters = _letters(part)
    return letters[-_NATIONAL_DIGITS.get(span.type, len(letters)) :]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, views(text)[0].text.lower()))
