"""The suite: which generators, strategies and prompts, and how outputs are scored."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from harness.spec.model import Metadata, Name, Spec


class PluginSpec(Spec):
    """Which plug-in to use, under which name of this suite, with which options."""

    use: Name
    name: Name = ""
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_plugin(cls, value: Any) -> Any:
        if isinstance(value, dict) and "use" in value and not value.get("name"):
            return {**value, "name": value["use"]}
        return value


class StrategySpec(Spec):
    """One way of sampling. `params` go to the generator as they are."""

    name: Name
    params: dict[str, bool | int | float | str | None] = Field(default_factory=dict)


class PromptSpec(Spec):
    """Where prompts come from: a file (JSONL, CSV, Parquet) or written in place.

    `text`, `reference` and `system` name the file's columns; every other
    column in `tag_columns` becomes a tag. `tags` are added to each prompt.
    """

    file: str | None = None
    items: tuple[str, ...] = ()
    text: str = "prompt"
    system: str | None = None
    reference: str = "reference"
    tag_columns: tuple[str, ...] | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    limit: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (not self.items):
            raise ValueError("give exactly one of `file` and `items`")
        return self


class SuiteSpec(Spec):
    """A whole suite file. Every strategy sees the same prompts and seeds."""

    apiVersion: Literal["harness/v1"]  # noqa: N815 - the key people write
    kind: Literal["Suite"]
    metadata: Metadata
    generators: Annotated[tuple[PluginSpec, ...], Field(min_length=1)]
    strategies: Annotated[tuple[StrategySpec, ...], Field(min_length=1)] = (
        StrategySpec(name="default"),
    )
    prompts: Annotated[tuple[PromptSpec, ...], Field(min_length=1)]
    samples_per_prompt: Annotated[int, Field(ge=1)] = 1
    seed: Annotated[int, Field(ge=0)] = 0
    scorers: Annotated[tuple[PluginSpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        for kind in ("generators", "strategies", "scorers"):
            counts = Counter(item.name for item in getattr(self, kind))
            twice = [name for name, count in counts.items() if count > 1]
            if twice:
                raise ValueError(f"{kind} share the name {twice[0]!r}; give each its own `name`")
        return self
