"""The strict base of every file people write, and the names allowed in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

    from harness.spec.strict_yaml import Loc

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]


def _beside_the_suite(path: Path, info: ValidationInfo) -> Path:
    """Place a path; runs after the check of its type, which strict JSON gets right alone."""
    base: Path = (info.context or {}).get("base", Path())
    try:
        return base / path.expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from error


SuitePath = Annotated[Path, AfterValidator(_beside_the_suite)]
"""A path in a plug-in's options: relative ones start at the suite's folder."""


def _folder_beside_the_suite(name: str, info: ValidationInfo) -> str:
    folder: Path = (info.context or {}).get("base", Path()) / name
    return str(folder) if folder.is_dir() else name


ModelName = Annotated[str, AfterValidator(_folder_beside_the_suite)]
"""A model in a plug-in's options: an asset, a hub id, or a folder, relative to the suite."""
API_VERSION = "harness/v1"


class Spec(BaseModel):
    """Unknown keys are errors, values are fixed, types are not guessed, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def written_at(self, place: Callable[[Loc], str]) -> None:
        """Learn where each part is written; for those that are checked later than read.

        Args:
            place: Gives `file:line` of a path within the file.
        """

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe each key by the string under it, read from the source when asked for.

        Pydantic's own `use_attribute_docstrings` does it at import, which costs
        every command 20 ms for what only `harness schema` needs.
        """
        value = handler(core)
        properties = handler.resolve_ref_schema(value)["properties"]
        for name, text in _attribute_docstrings(cls).items():
            properties.get(name, {}).setdefault("description", text)
        return value


def _attribute_docstrings(cls: type[Spec]) -> dict[str, str]:
    import ast
    import inspect
    import itertools
    import textwrap

    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    lines = body.body if isinstance(body, ast.ClassDef) else []
    return {
        field.target.id: text.value.value
        for field, text in itertools.pairwise(lines)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


class Metadata(Spec):
    """What a file is called and what it is for."""

    name: Name
    """The file's name in lists, runs and reports."""
    description: str = ""
    """What it is for, in a sentence."""
    version: str = ""
    """The version of its content, for people; digests tell versions apart by themselves."""
    owner: str = ""
    """Who answers for it."""
