"""The JSON schema describes what the loader takes, and the shipped copies are current."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from harness.spec.misfits import Misfits
from harness.spec.policy import PolicySpec
from harness.spec.schema import DIALECT, editor_line, schema
from harness.spec.strict_yaml import read
from harness.spec.suite import SuiteSpec

ROOT = Path(__file__).parents[2]
FOLDERS: dict[Literal["suite", "policy"], Path] = {
    "suite": ROOT / "suites",
    "policy": ROOT / "policies",
}
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
FILES = [(kind, path) for kind, folder in FOLDERS.items() for path in folder.glob("*.yaml")]


def objects(kind: Literal["suite", "policy"]) -> Iterator[Mapping[str, Any]]:
    body = schema(kind)
    yield from (part for part in (body, *body["$defs"].values()) if "properties" in part)


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_object_is_closed_and_every_key_described(
    kind: Literal["suite", "policy"],
) -> None:
    assert schema(kind)["$schema"] == DIALECT
    for part in objects(kind):
        assert part["additionalProperties"] is False
        assert part["description"]
        assert [
            name for name, key in part["properties"].items() if "description" not in key
        ] == []


def test_the_keys_are_those_of_the_models() -> None:
    assert list(schema("suite")["properties"]) == list(SuiteSpec.model_fields)
    assert list(schema("policy")["properties"]) == list(PolicySpec.model_fields)


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_shipped_schema_is_current(kind: Literal["suite", "policy"]) -> None:
    shipped = (FOLDERS[kind] / f"{kind}.schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == schema(kind)


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_each_shipped_file_names_its_schema_and_fits_it(
    kind: Literal["suite", "policy"], path: Path
) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == editor_line(f"{kind}.schema.json")
    body = schema(kind)
    assert misfits(read(text, Misfits(path.name)).value, body, body["$defs"]) == []


def misfits(value: Any, part: Mapping[str, Any], defs: Mapping[str, Any]) -> list[str]:
    """A small JSON schema checker: references, objects, arrays, unions and constants."""
    if "$ref" in part:
        return misfits(value, defs[part["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in part:
        tried = [misfits(value, option, defs) for option in part["anyOf"]]
        return [] if any(not found for found in tried) else tried[0]
    if "const" in part or "enum" in part:
        return [] if value in part.get("enum", [part.get("const")]) else [f"{value!r}"]
    if isinstance(value, dict) and part.get("type") == "object":
        known, rest = part.get("properties", {}), part.get("additionalProperties", True)
        found = [f"{key} is missing" for key in part.get("required", []) if key not in value]
        for key, inner in value.items():
            if key not in known and rest is False:
                found.append(f"{key} is unknown")
            else:
                fallback = rest if isinstance(rest, dict) else {}
                found += misfits(inner, known.get(key, fallback), defs)
        return found
    if isinstance(value, list) and part.get("type") == "array":
        return [text for inner in value for text in misfits(inner, part["items"], defs)]
    wanted = part.get("type")
    return [] if wanted is None or isinstance(value, TYPES[wanted]) else [f"{value!r}"]
