"""What Pydantic found wrong with a file, in plain words and at the file's own lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.registry import suggest
from harness.spec.misfits import Misfits, shown
from harness.spec.strict_yaml import Loc, Source

_PLAIN = {
    "model_type": "should be a mapping (`key: value`)",
    "dict_type": "should be a mapping (`key: value`)",
    "tuple_type": "should be a list (`- value`)",
    "list_type": "should be a list (`- value`)",
    "string_type": "should be text",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "none_required": "should be null",
}
_NAME = "should be at most 63 letters, digits, `.`, `_` or `-`, the first a letter or a digit"


def explain(
    error: ValidationError, source: Source, kind: type[BaseModel], misfits: Misfits
) -> None:
    """Add what Pydantic found to `misfits`, leaving out what follows from what is there."""
    values: dict[Loc, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        loc = detail["loc"]
        if detail["type"] == "missing":
            message = f"{_inside(loc[:-1])}`{loc[-1]}` is missing"
            misfits.add(source.line(loc[:-1]), message, _beside(loc, source))
        elif detail["type"] == "extra_forbidden":
            line = source.key_lines.get(loc) or source.line(loc)
            message = f"{_inside(loc[:-1])}{shown(loc[-1])} is not a key here"
            misfits.add(line, message, _near(loc, kind))
        elif not any(_overlap(loc, doubtful) for doubtful in source.doubtful):
            values.setdefault(source.known(loc), []).append(detail)
    for loc, details in values.items():
        misfits.add(source.line(loc), *_value(loc, details))


def _overlap(loc: Loc, doubtful: Loc) -> bool:
    shared = min(len(loc), len(doubtful))
    return loc[:shared] == doubtful[:shared]


def _value(loc: Loc, details: list[ErrorDetails]) -> tuple[str, str]:
    """Say what one value should have been; the branches of a union are one misfit."""
    said = list(dict.fromkeys(_plain(detail) for detail in details))
    message = " or ".join([said[0], *(text.removeprefix("should be ") for text in said[1:])])
    if not loc:
        return message, ""
    if all(detail["type"] == "value_error" for detail in details):
        return f"`{_path(loc)}`: {message}", ""
    found = details[0]["input"]
    got = shown(found) if isinstance(found, (str, int, float)) else _noun(found)
    fix = suggest(found, _choices(details[0])) if isinstance(found, str) else ""
    return f"`{_path(loc)}` {message}, not {got}", fix


def _plain(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "string_pattern_mismatch":
        return _NAME
    if detail["type"] == "too_short":
        return f"should have at least {detail['ctx']['min_length']} item"
    return _PLAIN.get(detail["type"]) or detail["msg"].replace("Input should", "should")


def _noun(value: object) -> str:
    if value is None:
        return "empty"
    return (
        "a mapping"
        if isinstance(value, Mapping)
        else "an empty list"
        if not value
        else "a list"
    )


def _choices(detail: ErrorDetails) -> list[str]:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    return [word.strip("' ") for word in expected.replace(" or ", ",").split(",") if word]


def _inside(loc: Loc) -> str:
    return f"`{_path(loc)}`: " if loc else ""


def _path(loc: Loc) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return shown(text.lstrip("."))[1:-1]


def _beside(loc: Loc, source: Source) -> str:
    """Name the key of the same mapping that a missing one may have been misspelt as."""
    beside = [str(path[-1]) for path in source.key_lines if path[:-1] == loc[:-1]]
    near = suggest(str(loc[-1]), beside)
    return near.replace("did you mean", "is it misspelt as") if near else ""


def _near(loc: Loc, kind: type[BaseModel]) -> str:
    fields = _fields(kind, loc[:-1])
    listed = f"one of {', '.join(fields)}" if fields else ""
    return suggest(str(loc[-1]), fields) or listed


def _fields(kind: type[BaseModel], loc: Loc) -> list[str]:
    """The keys of the model that stands at a path."""
    model: type[BaseModel] | None = kind
    for part in loc:
        if isinstance(part, str) and model is not None:
            known = model.model_fields.get(part)
            model = next(_models(known.annotation), None) if known else None
    return list(model.model_fields) if model else []


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
