"""Text or pictures from any program: a JSON line in for each case, a JSON line out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from harness.errors import HarnessError
from harness.generators.local_code import AllowCode, SuiteFolder, digests_of
from harness.records import Case, Failure, Generated, Modality
from harness.spec.model import Spec, SuitePath
from harness.spec.secret import Secrets, refuse_outside

if TYPE_CHECKING:
    from harness.generators.command_process import Process

# What programs need to run at all; nothing else of the environment is passed on unnamed.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class Command:
    """Runs a program of the suite's and hands it one case at a time.

    It reads lines `{"case_id", "prompt", "system", "params", "seed"}` from standard
    input and writes, for each, one line with the same `case_id` and `text`, `image` (a
    file in the suite's folder), `image_base64` or `error` to standard output. One that
    dies is started again, and one that is late, or answers what was not asked, is killed:
    its next line could be taken for the answer to another case.
    """

    identity: Literal["code"] = "code"
    folder: Path | None = None
    immaterial = frozenset({"timeout_seconds", "batch"})

    class Options(Spec):
        """What is run. The suite's folder is its working folder; no shell reads `argv`."""

        argv: Annotated[tuple[str, ...], Field(min_length=1)]
        files: Annotated[tuple[SuitePath, ...], Field(min_length=1)]
        """The files that the program is made of: their digests are its identity."""
        allow_code: AllowCode
        modality: Literal["text", "image"] = "text"
        env: dict[str, str] = Field(default_factory=dict)
        """Environment variables it gets beside PATH and HOME; `${env:NAME}` for secrets."""
        timeout_seconds: Annotated[float, Field(gt=0)] = 120.0
        """For one answer; the first includes the time to start."""
        batch: Annotated[int, Field(ge=1)] = 16
        """How many cases are stored at a time."""
        cwd: SuiteFolder = Path()
        """The folder it runs in, by default the suite's."""

        @field_validator("*")
        @classmethod
        def _handed_as_it_stands(cls, value: object, info: ValidationInfo) -> object:
            refuse_outside(("env",), info.field_name, value)
            return value

        @field_validator("argv")
        @classmethod
        def _plain(cls, argv: tuple[str, ...]) -> tuple[str, ...]:
            if not argv[0] or any("\0" in word for word in argv):
                raise ValueError("it names no program")
            return argv

    def __init__(self, options: Options) -> None:
        self._options = options
        self.modality: Modality = options.modality
        self.requires: Sequence[str] = ("pillow",) if options.modality == "image" else ()
        self.batch = options.batch
        self.secrets: Sequence[str] = tuple(options.env.values())
        self._stack = ExitStack()
        self._process: Process | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The digests of the program's files.

        Raises:
            SpecError: One of them is not there.
        """
        return digests_of(self._options.files, self._options.cwd)

    def __enter__(self) -> Self:
        """Start the program.

        Raises:
            SpecError: It cannot be started, or a secret is not set.
        """
        from harness.generators.command_process import Launch, Process

        options, secrets = self._options, Secrets(os.environ)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        launch = Launch(
            argv=options.argv,
            folder=options.cwd,
            environ=inherited | {k: secrets.reveal(v) for k, v in options.env.items()},
            seconds=options.timeout_seconds,
        )
        with ExitStack() as stack:
            self._process = stack.enter_context(Process(launch, secrets))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stack.__exit__(*exc)
        self._process = None

    def check(self, params: Mapping[str, Any]) -> None:
        """Accept any parameters: the program is handed them, and says what it does not know."""

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Hand a batch over, one case after the other."""
        if self._process is None:
            raise HarnessError("the program was asked before it was started")
        return [self._process.answer(case, self.modality) for case in cases]
