"""The suite: which generators, strategies and prompts, and how outputs are scored."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from harness.spec.model import Metadata, Name, Spec
from harness.spec.strict_yaml import Loc


class _Places(dict[Loc, str]):
    """Where parts are written: no part of what they say, so any two are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Places)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as of every dict


class PluginSpec(Spec):
    """Which plug-in to use, under which name of this suite, with which options."""

    use: Name
    """The plug-in's registered name; `harness list` shows them."""
    name: Name = ""
    """Its name in this suite; the plug-in's own where it is left out."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the plug-in is set to; each plug-in checks its own."""
    _places: _Places = PrivateAttr(default_factory=_Places)

    def written_at(self, place: Callable[[Loc], str]) -> None:
        """Keep the lines of what only the plug-in can check: its name and its options."""
        locs: list[Loc] = [("use",), ("options",), *(("options", key) for key in self.options)]
        self._places.update({loc: place(loc) for loc in locs})

    def place(self, *loc: str | int) -> str:
        """Say `file:line` of a part, or of what is around it; empty where no file was read."""
        return self._places.get(loc[:2]) or self._places.get(loc[:1], "")

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_plugin(cls, value: Any) -> Any:
        if isinstance(value, dict) and "use" in value and not value.get("name"):
            return {**value, "name": value["use"]}
        return value


class StrategySpec(Spec):
    """One way of sampling. `params` go to the generator as they are."""

    name: Name
    """The strategy's name in reports."""
    params: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    """Sampling parameters, such as `do_sample`, `top_p` and `temperature`."""


class PromptSpec(Spec):
    """Where prompts come from: a file (JSONL, CSV, Parquet) or written in place.

    `text`, `reference` and `system` name the file's columns, and each column
    in `tag_columns` becomes a tag. `tags` are added to each prompt.
    """

    file: str | None = None
    """A `.jsonl`, `.csv` or `.parquet` file; a relative path starts at the suite's folder."""
    items: tuple[str, ...] = ()
    """Prompts written in place, instead of `file`."""
    text: str = "prompt"
    """The column that holds the prompt."""
    system: str | None = None
    """The column that holds the system text, if any does."""
    reference: str = "reference"
    """The column that holds the reference answer; `reference` itself may be absent."""
    tag_columns: tuple[str, ...] | None = None
    """Columns whose value becomes a tag, which policies slice by."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags that every prompt of this source gets."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Take only this many distinct prompts, from the start."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (not self.items):
            raise ValueError("give exactly one of `file` and `items`")
        twice = sorted(set(self.tags) & set(self.tag_columns or ()))
        if twice:
            raise ValueError(f"`tags` and `tag_columns` both give the tag {twice[0]!r}")
        return self


class SuiteSpec(Spec):
    """A whole suite file. Every strategy sees the same prompts and seeds."""

    apiVersion: Literal["harness/v1"]  # noqa: N815 - the key people write
    """The version of this file format."""
    kind: Literal["Suite"]
    """What this file is."""
    metadata: Metadata
    """What the suite is called and what it is for."""
    generators: Annotated[tuple[PluginSpec, ...], Field(min_length=1)]
    """What is evaluated: a model, an endpoint, or content that exists."""
    strategies: Annotated[tuple[StrategySpec, ...], Field(min_length=1)] = (
        StrategySpec(name="default"),
    )
    """The ways of sampling to compare; each sees the same prompts and seeds."""
    prompts: Annotated[tuple[PromptSpec, ...], Field(min_length=1)]
    """Where the prompts come from."""
    samples_per_prompt: Annotated[int, Field(ge=1)] = 1
    """How many outputs each prompt gets under each strategy."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Where the sampling noise of every case is drawn from."""
    scorers: Annotated[tuple[PluginSpec, ...], Field(min_length=1)]
    """What reads the outputs."""
    executor: Annotated[PluginSpec, Field(exclude=True)] = PluginSpec(use="local")
    """Where it runs: `local`, or `ray`. What comes of it is the same, so no digest holds it."""

    def written_at(self, place: Callable[[Loc], str]) -> None:
        """Tell each plug-in's entry where it is written."""
        for kind in ("generators", "scorers"):
            for number, item in enumerate(getattr(self, kind)):
                item.written_at(functools.partial(_within, place, (kind, number)))
        self.executor.written_at(functools.partial(_within, place, ("executor",)))

    @field_validator("executor", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        for kind in ("generators", "strategies", "scorers"):
            counts = Counter(item.name for item in getattr(self, kind))
            twice = [name for name, count in counts.items() if count > 1]
            if twice:
                raise ValueError(
                    f"{kind} share the name {twice[0]!r}; give each its own `name`"
                )
        return self


def _within(place: Callable[[Loc], str], start: Loc, loc: Loc) -> str:
    return place((*start, *loc))
