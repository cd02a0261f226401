"""The JSON schema describes what the loader takes, and the shipped copies are current."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.spec.misfits import Misfits
from harness.spec.policy import PolicySpec
from harness.spec.schema import DIALECT, Kind, editor_line, schema
from harness.spec.strict_yaml import read
from harness.spec.suite import SuiteSpec
from harness.spec.waiver import WaiversSpec

ROOT = Path(__file__).parents[2]
FOLDERS: dict[Kind, Path] = {
    "suite": ROOT / "suites",
    "policy": ROOT / "policies",
    "waivers": ROOT / "policies",
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
WRITTEN: tuple[Kind, ...] = ("suite", "policy")
FILES = [(kind, path) for kind in WRITTEN for path in sorted(FOLDERS[kind].rglob("*.yaml"))]


def objects(kind: Kind) -> Iterator[Mapping[str, Any]]:
    body = schema(kind)
    yield from (part for part in (body, *body["$defs"].values()) if "properties" in part)


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_object_is_closed_and_every_key_described(kind: Kind) -> None:
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
    assert list(schema("waivers")["properties"]) == list(WaiversSpec.model_fields)


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_shipped_schema_is_current(kind: Kind) -> None:
    shipped = (FOLDERS[kind] / f"{kind}.schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == schema(kind)


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_each_shipped_file_names_its_schema_and_fits_it(kind: Kind, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    up = "../" * len(path.parent.relative_to(FOLDERS[kind]).parts)
    assert text.splitlines()[0] == editor_line(f"{up}{kind}.schema.json")
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
