"""Read a suite or a policy from YAML, or say everything that is wrong with it, line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar, get_args

from pydantic import ValidationError

from harness import digests
from harness.errors import SpecError
from harness.spec.explain import explain
from harness.spec.misfits import Misfits, unreadable
from harness.spec.model import Spec
from harness.spec.strict_yaml import Source, read

MAX_BYTES = 1_000_000
_MISFITS_SHOWN = 100
_KINDS = ("Suite", "Policy", "Waivers")

S = TypeVar("S", bound=Spec)


def load(path: Path, kind: type[S]) -> S:
    """Read and check one file.

    Raises:
        SpecError: The file cannot be read, is over 1 MB, or does not fit `kind`;
            all its misfits are in one error, each as `file:line`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"larger than {MAX_BYTES:,} bytes", where=str(path))
    return load_text(_decoded(data, path), kind, name=str(path))


def load_text(text: str, kind: type[S], *, name: str = "text") -> S:
    """Read and check a text; `name` stands for its file in errors.

    Raises:
        SpecError: The text does not fit `kind`.
    """
    misfits = Misfits(name, shown=_MISFITS_SHOWN)
    source = read(text.removeprefix("\ufeff"), misfits)
    _check_kind(source, kind, misfits)
    try:
        # As JSON, because a strict model takes a list for a tuple only from there.
        spec = kind.model_validate_json(json.dumps(source.value))
    except ValidationError as error:
        explain(error, source, kind, misfits)
        raise misfits.error() from error
    misfits.check()
    spec.written_at(lambda loc: f"{name}:{source.key_lines.get(loc) or source.line(loc)}")
    return spec


def digest(spec: Spec) -> str:
    """Digest what a file means: key order, comments and spelt-out defaults change nothing."""
    return digests.of_json(spec.model_dump(mode="json"))


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(
            "the file is not UTF-8", where=f"{path}:{line}", fix="save it as UTF-8"
        ) from error


def _check_kind(source: Source, kind: type[Spec], misfits: Misfits) -> None:
    """Stop at once at a file that is well meant but another kind of file."""
    value, line = source.value, source.line(())
    if not isinstance(value, dict):
        misfits.add(line, "the file should be a mapping (`key: value`)", "see `harness schema`")
        raise misfits.error()
    wanted = kind.model_fields.get("kind")
    names = get_args(wanted.annotation) if wanted else ()
    found = value.get("kind")
    if names and found not in names and found in _KINDS:
        line = source.line(("kind",))
        misfits.add(
            line, f"this is a {found}, and a {names[0]} is asked for", "check which is which"
        )
        raise misfits.error()
