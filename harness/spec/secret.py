"""Secrets that a file names and never holds: `${env:NAME}`, read when a plug-in is opened."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from harness.errors import SpecError

_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


def _name_only(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ValueError("write ${env:NAME}, an environment variable that holds the secret")
    return text


Secret = Annotated[
    str,
    AfterValidator(_name_only),
    Field(json_schema_extra={"pattern": f"^{_REFERENCE.pattern}$"}),
]
"""An option that is a secret: only ever the name of an environment variable."""

# A shorter one stands in ordinary text by chance, so it could not be told apart from it.
_FEWEST_CHARACTERS = 8
_MASK = "[secret]"


class Secrets:
    """The secrets of one plug-in while it is open, and texts without them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._values: set[str] = set()

    def reveal(self, text: str) -> str:
        """Put the values in place of the `${env:NAME}` of a text.

        Raises:
            SpecError: A variable is not set, or its value cannot be kept out of what is
                written. The value itself is never told.
        """
        return _REFERENCE.sub(lambda found: self._value(found[1]), text)

    def found_in(self, text: str) -> bool:
        """Whether a text holds a secret, in upper or lower case: hosts, say, are lowered."""
        return self.masked(text) != text

    def masked(self, text: str) -> str:
        """Replace every secret in a text, the longest first."""
        for value in sorted(self._values, key=len, reverse=True):
            text = re.sub(re.escape(value), lambda _: _MASK, text, flags=re.IGNORECASE)
        return text

    def _value(self, name: str) -> str:
        value = self._environ.get(name, "")
        where = f"environment variable {name}"
        if not value:
            raise SpecError("a secret is not set", where=where, fix=f"export {name}=...")
        if len(value) < _FEWEST_CHARACTERS or not (value.isascii() and value.isprintable()):
            raise SpecError(
                f"a secret is shorter than {_FEWEST_CHARACTERS} characters, or holds a line "
                "break or a character other than ASCII",
                where=where,
                fix="look at how it was exported",
            )
        self._values.add(value)
        return value


def refers(text: str) -> bool:
    """Whether a text names a secret."""
    return bool(_REFERENCE.search(text))


def refuse_outside(places: Sequence[str], option: str | None, value: object) -> None:
    """Refuse `${env:NAME}` in an option that would be used as it stands.

    Args:
        places: The options in which names become values.
        option: The one that is looked at.
        value: What it holds.

    Raises:
        ValueError: It names a secret and is none of these.
    """
    if option not in places and refers(str(value)):
        raise ValueError(
            f"${{env:NAME}} stands for a value only in {' and '.join(map(repr, places))}: "
            "write the value itself"
        )
