"""Content that exists already: texts of a JSONL, CSV or Parquet file, or images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from harness import digests
from harness.errors import SpecError
from harness.generators import file_images
from harness.generators.file_texts import Texts
from harness.records import Case, Failure, Generated, Modality
from harness.spec.images import opened
from harness.spec.images.container import Container
from harness.spec.model import Spec, SuitePath
from harness.spec.tables import rows

_TEXTS = 1000
_IMAGES = 16


class Files:
    """Looks each prompt up in a file and returns what the file says was answered.

    The n-th row of a prompt answers its n-th repeat. A prompt without a row, or
    with fewer rows than repeats, is a failure: it stays in the denominator.
    """

    modality: Modality = "text"
    identity: Literal["corpus"] = "corpus"
    requires: Sequence[str] = ()
    folder: Path | None = None

    class Options(Spec):
        """What holds the outputs, beside the suite, and which of its columns hold what."""

        file: SuitePath | None = None
        """Texts: a JSONL, CSV or Parquet file, one output a row."""
        images: SuitePath | None = None
        """Images: a folder, a .zip, .tar or .tar.gz archive, or a Parquet file."""
        manifest: SuitePath | None = None
        """A JSONL, CSV or Parquet file that says which image answers which prompt."""
        prompt: str = "prompt"
        """The column of prompts."""
        output: str = "output"
        """The column of texts."""
        image: str = "image"
        """The manifest's column of image names, or the column of images of a Parquet file."""
        batch: Annotated[int, Field(ge=1)] | None = None
        """How many outputs are held at once: 1,000 texts or 16 images unless it is set."""

        @model_validator(mode="after")
        def _one_kind(self) -> Self:
            if (self.file is None) == (self.images is None):
                raise ValueError("name either `file` (texts) or `images`")
            if self.manifest and (not self.images or self.images.suffix.lower() == ".parquet"):
                raise ValueError("`manifest` goes with `images` of a folder or an archive")
            return self

    def __init__(self, options: Options) -> None:
        self._options = options
        if options.images is not None:
            self.modality = "image"
            self.requires = ("pillow",)
        self.batch = options.batch or (_TEXTS if options.images is None else _IMAGES)
        self._answers: Callable[[str], Sequence[Any]] = _none
        self._stack = ExitStack()
        self._found: Container[Any] | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The digests of what is read.

        Raises:
            SpecError: There is no such file.
        """
        if self._options.images is not None:
            return file_images.digests_of(self._options.images, self._options.manifest)
        file = self._options.file or Path()
        if not file.is_file():
            raise SpecError(
                "there is no such file of outputs",
                where=str(file),
                fix="name a JSONL, CSV or Parquet file relative to the suite",
            )
        return {file.name: digests.of_file(file)}

    def __enter__(self) -> Self:
        """Read the file, or the names of the images.

        Raises:
            SpecError: A row lacks one of the two columns, or images cannot be found.
        """
        with ExitStack() as stack:
            self._answers = self._read(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
        self._answers, self._found = _none, None

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse sampling parameters: what exists already cannot be sampled again.

        Raises:
            SpecError: There are any.
        """
        if params:
            raise SpecError(
                f"`files` generates nothing and takes no parameters: {list(params)}",
                fix="leave `strategies` out, or give them no params",
            )

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Look a batch up."""
        return [self._answer(case) for case in cases]

    def _read(self, stack: ExitStack) -> Callable[[str], Sequence[Any]]:
        options = self._options
        if options.images is None:
            return Texts(_pairs(options.file or Path(), options.prompt, options.output)).of
        images = self._read_images(options.images, stack)
        return lambda prompt: images.get(prompt, ())

    def _read_images(self, place: Path, stack: ExitStack) -> Mapping[str, Sequence[Any]]:
        options = self._options
        self._found = stack.enter_context(
            opened(place, column=options.image, prompt=options.prompt)
        )
        if options.manifest is None:
            return file_images.by_columns(self._found, options.prompt)
        answers: dict[str, list[Any]] = {}
        for prompt, name in _pairs(options.manifest, options.prompt, options.image):
            answers.setdefault(prompt, []).append(name)
        names = [name for several in answers.values() for name in several]
        file_images.check_names(self._found, names, options.manifest)
        return answers

    def _answer(self, case: Case) -> Generated | Failure:
        answers = self._answers(case.prompt.text)
        if case.repeat >= len(answers):
            return Failure(f"the file has {len(answers)} outputs for this prompt")
        answer = answers[case.repeat]
        if self._found is not None:
            image = file_images.picture(self._found, answer)
            return image if isinstance(image, Failure) else Generated(media=image)
        return answer if isinstance(answer, Failure) else Generated(media=answer)


def _none(_: str) -> Sequence[Any]:
    return ()


def _pairs(file: Path, prompt: str, output: str) -> Iterator[tuple[str, Any]]:
    """The cells of two columns, row by row."""
    for number, row in rows(file):
        if prompt not in row or output not in row:
            raise SpecError(
                f"a row has no {prompt if prompt not in row else output!r}",
                where=f"{file}:{number}",
                fix=f"its columns are {', '.join(row)}; name the right ones in the options",
            )
        yield str(row[prompt]), row[output]
