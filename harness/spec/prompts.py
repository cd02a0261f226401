"""The prompts of a suite: rows of files and inline texts, checked, named and folded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from harness import digests
from harness.errors import SpecError
from harness.records import Prompt
from harness.registry import suggest
from harness.spec.misfits import Misfits, shown, unreadable
from harness.spec.packed import Prompts
from harness.spec.suite import PromptSpec
from harness.spec.tables import rows

_DEFAULT_REFERENCE = "reference"


def read_prompts(specs: Sequence[PromptSpec], base: Path) -> Prompts:
    """Read every prompt once, in the order of the suite and its files.

    Prompts that are equal in text, system text, reference and tags are one
    prompt: asking twice adds no evidence. A spec's `limit` counts its own
    distinct prompts.

    Args:
        specs: The suite's `prompts`.
        base: The suite's folder; relative files start there.

    Raises:
        SpecError: A file cannot be read, a column is missing, lines are broken
            or prompts empty; of each file the first 20 such lines are named.
    """
    each = (_of_spec(spec, number, base) for number, spec in enumerate(specs))
    return Prompts(chain.from_iterable(each)).distinct()


def prompt_files(specs: Sequence[PromptSpec], base: Path) -> dict[str, str]:
    """Sha256 of each prompt file, by its name as the suite writes it, for the manifest.

    Raises:
        SpecError: A file cannot be read.
    """
    found: dict[str, str] = {}
    for name in sorted({spec.file for spec in specs if spec.file is not None}):
        path = _resolve(name, base)
        try:
            found[name] = digests.of_file(path)
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error
    return found


def _of_spec(spec: PromptSpec, number: int, base: Path) -> Iterator[Prompt]:
    """The prompts of one spec, up to `limit` distinct ones."""
    path = _resolve(spec.file, base) if spec.file is not None else None
    misfits = Misfits(str(path) if path else f"prompts[{number}].items")
    source = _from_file(spec, path, misfits) if path else _inline(spec, misfits)
    some, distinct = False, set[str]()
    for prompt in source:
        some = True
        yield prompt
        if spec.limit is not None:
            distinct.add(prompt.prompt_id)
            if len(distinct) == spec.limit:
                break
    misfits.check()
    if not some:
        raise SpecError("there is no prompt in it", where=misfits.name)


def _resolve(name: str, base: Path) -> Path:
    """Where a suite's file lies. A suite is its user's own, so it may point anywhere."""
    if "\0" in name:
        raise SpecError(f"{shown(name)} cannot be a file's name", fix="take the NUL out of it")
    try:
        return base / Path(name).expanduser()
    except RuntimeError as error:
        raise SpecError(f"{shown(name)}: {error}", fix="write the folder out") from error


def _inline(spec: PromptSpec, misfits: Misfits) -> Iterator[Prompt]:
    for number, text in enumerate(spec.items, start=1):
        if text.strip():
            yield _prompt(text, None, None, spec.tags)
        else:
            misfits.add(number, "an empty prompt", "write one, or take the item out")


def _from_file(spec: PromptSpec, path: Path, misfits: Misfits) -> Iterator[Prompt]:
    each_row_alone = path.suffix.lower() == ".jsonl"
    for line, row in rows(path, misfits):
        missing = [name for name in _required(spec) if name not in row]
        for name in missing:
            near = suggest(name, row) or f"it has {', '.join(map(shown, row)) or 'none'}"
            misfits.add(line, f"there is no column {name!r}", near)
        if missing and not each_row_alone:
            return
        if not missing and (prompt := _of_row(spec, row, line, misfits)):
            yield prompt


def _required(spec: PromptSpec) -> list[str]:
    named = [spec.text, spec.system, *(spec.tag_columns or ())]
    if spec.reference != _DEFAULT_REFERENCE:
        named.append(spec.reference)
    return [name for name in named if name is not None]


def _of_row(
    spec: PromptSpec, row: Mapping[str, Any], line: int, misfits: Misfits
) -> Prompt | None:
    before = misfits.count
    text = _text(row, spec.text, line, misfits)
    if not text and misfits.count == before:
        misfits.add(line, "an empty prompt", "write one, or take the line out")
    system = _text(row, spec.system, line, misfits)
    reference = _text(row, spec.reference, line, misfits)
    tags = {name: _tag(row, name, line, misfits) for name in spec.tag_columns or ()}
    if misfits.count > before or text is None:
        return None
    return _prompt(text, system, reference, {**_given(tags), **spec.tags})


def _text(row: Mapping[str, Any], name: str | None, line: int, misfits: Misfits) -> str | None:
    """One column's text; None where it is null or blank."""
    value = None if name is None else row.get(name)
    if value is None or isinstance(value, str):
        return value if value and value.strip() else None
    misfits.add(line, f"{name!r} should be text, not {shown(value)}")
    return None


def _tag(row: Mapping[str, Any], name: str, line: int, misfits: Misfits) -> str | None:
    """One tag as text: `true`, `3`, `zh`; None where it is null or blank."""
    value = row[name]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return _text(row, name, line, misfits)


def _given(tags: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if value is not None}


def _prompt(
    text: str, system: str | None, reference: str | None, tags: Mapping[str, str]
) -> Prompt:
    fields = {"text": text, "system": system, "reference": reference, "tags": dict(tags)}
    return Prompt(
        prompt_id=digests.of_json(fields),
        text=text,
        system=system,
        reference=reference,
        tags=dict(sorted(tags.items())),
    )
