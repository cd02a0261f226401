"""Content that exists already: outputs read from a JSONL, CSV or Parquet file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from harness import digests
from harness.errors import SpecError
from harness.records import Case, Failure, Generated, Modality
from harness.spec.model import Spec, SuitePath
from harness.spec.tables import rows


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
        """The file, beside the suite, and which of its columns hold what."""

        file: SuitePath
        prompt: str = "prompt"
        output: str = "output"
        batch: Annotated[int, Field(ge=1)] = 1000

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._answers: dict[str, list[Any]] = {}

    @property
    def weights(self) -> Mapping[str, str]:
        """The file's own digest.

        Raises:
            SpecError: There is no such file.
        """
        if not self._options.file.is_file():
            raise SpecError(
                "there is no such file of outputs",
                where=str(self._options.file),
                fix="name a JSONL, CSV or Parquet file relative to the suite",
            )
        return {self._options.file.name: digests.of_file(self._options.file)}

    def __enter__(self) -> Self:
        """Read the file.

        Raises:
            SpecError: A row lacks one of the two columns.
        """
        prompt, output = self._options.prompt, self._options.output
        for number, row in rows(self._options.file):
            if prompt not in row or output not in row:
                raise SpecError(
                    f"a row has no {prompt if prompt not in row else output!r}",
                    where=f"{self._options.file}:{number}",
                    fix=f"its columns are {', '.join(row)}; set `prompt` and `output` to match",
                )
            self._answers.setdefault(str(row[prompt]), []).append(row[output])
        return self

    def __exit__(self, *exc: object) -> None:
        self._answers = {}

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

    def _answer(self, case: Case) -> Generated | Failure:
        answers = self._answers.get(case.prompt.text, [])
        if case.repeat >= len(answers):
            return Failure(f"the file has {len(answers)} outputs for this prompt")
        text = answers[case.repeat]
        if not isinstance(text, str):
            return Failure(f"the file's output is {type(text).__name__}, not text")
        return Generated(media=text, finish="unknown")
