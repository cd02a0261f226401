"""Text as a file can hold it: UTF-8, which has no half of a surrogate pair."""

from __future__ import annotations

_LONGEST_REASON = 2_000


def storable(text: str) -> str:
    """Replace what UTF-8 cannot hold by question marks.

    >>> storable("half: " + chr(0xD800))
    'half: ?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def storable_reason(text: str) -> str:
    """A failure's reason, cut where an exception quotes a whole output.

    >>> storable_reason("too long: " + "x" * 5_000)[-5:]
    'xx...'
    """
    cut = text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "..."
    return storable(cut)
