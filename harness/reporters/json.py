"""The run as JSON: strict, sorted, ASCII, and the same bytes every time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from harness.errors import NonFiniteError
from harness.records import RunView

SCHEMA = "harness.run/1"


class Json:
    """Writes everything; the format other programs should read."""

    filename = "report.json"

    def render(self, run: RunView) -> bytes:
        """Render the run as one line of JSON with its schema's version.

        ASCII only: half surrogates, control and direction characters in
        generated text stay escaped, so the file is always valid.

        Raises:
            NonFiniteError: The run holds NaN or an infinity.
        """
        tree = {"schema": SCHEMA, **_plain(run)}
        try:
            text = json.dumps(tree, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except ValueError as error:
            raise NonFiniteError(f"the run cannot be written as JSON: {error}") from error
        return text.encode("ascii") + b"\n"


def _plain(value: Any) -> Any:
    """Turn records, mappings and tuples into what JSON has."""
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value))
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
