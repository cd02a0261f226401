"""Which picture a case is held against: by the name its prompt gives, or by its prompt.

Never by the order of files: pairs that are off by one would look like a bad model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import model_validator

from harness import pictures
from harness.assets import catalogue
from harness.assets.datasets import reference
from harness.errors import SpecError
from harness.records import Failure, Image, Prompt
from harness.scorers.compared import Dataset
from harness.spec.images import opened
from harness.spec.images.container import Container
from harness.spec.images.described import LABEL_COLUMN
from harness.spec.model import Spec


class ReferenceOptions(Spec):
    """The reference pictures, and how a case finds its own among them.

    `images`: a folder, a .zip, .tar or .tar.gz archive, a Parquet file, or an asset that
    is one. `match`: `reference`, where the prompt's `reference` is the file's name in
    it; `prompt`, where the column `prompt` of its `metadata.jsonl` or of the Parquet
    file, or the folder that the file lies in, is the prompt's text. `image`: the
    column of a Parquet file that holds the pictures.
    """

    images: Dataset
    match: Literal["reference", "prompt"] = "reference"
    prompt: str = "prompt"
    image: str = "image"

    @model_validator(mode="after")
    def _files_have_names(self) -> Self:
        name = self.images
        if name in catalogue.ASSETS:
            name = next(iter(catalogue.find(name).files))
        if self.match == "reference" and name.lower().endswith(".parquet"):
            raise ValueError("rows of a Parquet file have no names: say `match: prompt`")
        return self

    @property
    def digest(self) -> str:
        """The digest of all reference pictures.

        Raises:
            AssetError: They are an asset that has not been fetched.
            SpecError: There are none.
        """
        return reference(self.images, "").digest

    @contextmanager
    def opened(self) -> Iterator[ReferencePictures]:
        """Open the pictures.

        Raises:
            SpecError: They cannot be read, or nothing says whose they are.
        """
        place = reference(self.images, "").dataset
        prompt = self.prompt if self.match == "prompt" else ""
        with opened(place, column=self.image, prompt=prompt) as found:
            yield ReferencePictures(found, _by_prompt(found, prompt) if prompt else None)


@dataclass(frozen=True, slots=True)
class ReferencePictures:
    """Pictures in an open container, and their names by prompt, where they are matched so."""

    found: Container[Any]
    by_prompt: Mapping[str, Sequence[str]] | None

    def of(self, prompt: Prompt) -> Image | Failure:
        """Read the picture that a prompt asks for, or say why there is none."""
        name = self._name(prompt)
        if isinstance(name, Failure):
            return name
        data = self.found.read(name)
        # A row of a Parquet file has a number for a name, which says no format.
        read = data if isinstance(data, Failure) else pictures.decode(data, name)
        if isinstance(read, Failure):
            return Failure(f"the reference picture: {read.reason}")
        return read

    def _name(self, prompt: Prompt) -> str | Failure:
        if self.by_prompt is None:
            return prompt.reference or Failure("the prompt names no reference picture")
        names = self.by_prompt.get(prompt.text, ())
        if len(names) != 1:
            return Failure(f"{len(names)} reference pictures are of this prompt, not one")
        return names[0]


def _by_prompt(found: Container[Any], prompt: str) -> dict[str, list[str]]:
    known = {name for columns in found.columns.values() for name in columns}
    column = LABEL_COLUMN if known == {LABEL_COLUMN} else prompt
    if column not in known:
        raise SpecError(
            "nothing says which prompt a reference picture belongs to",
            where=str(found.path),
            fix=f"its columns are {', '.join(sorted(known)) or 'none'}; set `prompt` to match",
        )
    names: dict[str, list[str]] = {}
    for name, columns in found.columns.items():
        if column in columns:
            names.setdefault(columns[column], []).append(name)
    return names
