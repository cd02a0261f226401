"""JSON schema of the files people write, so that editors complete and check them.

The shipped files name the schema beside them on their first line; a copy of a
suite elsewhere gets the same from `harness schema suite > suite.schema.json`.
"""

from __future__ import annotations

from typing import Any, Literal

from harness.spec.model import Spec
from harness.spec.policy import PolicySpec
from harness.spec.suite import SuiteSpec
from harness.spec.waiver import WaiversSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Kind = Literal["suite", "policy", "waivers"]

_MODELS: dict[Kind, type[Spec]] = {
    "suite": SuiteSpec,
    "policy": PolicySpec,
    "waivers": WaiversSpec,
}


def schema(kind: Kind) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a kind of file."""
    body = _MODELS[kind].model_json_schema()
    return {"$schema": DIALECT, **body, "title": kind.capitalize()}


def editor_line(schema_path: str) -> str:
    """The comment that tells a YAML editor where a file's schema lies, from that file."""
    return f"# yaml-language-server: $schema={schema_path}"
