"""Outputs from a function of one's own, which the suite names as `module:function`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from harness import digests, registry
from harness.errors import HarnessError, SpecError
from harness.generators.local_code import AllowCode, SuiteFolder, digests_of
from harness.records import Case, Failure, Generated, Image, Modality
from harness.spec.model import Spec, SuitePath


class Python:
    """Calls a function with a case and takes the text, picture or failure it returns.

    The function is given a `harness.records.Case` (`case.prompt.text`,
    `case.prompt.system`, `case.params`, `case.seed`), or a list of cases where `batch`
    is set. What it raises is a failure of that case. Its file lies beside the suite, or
    is an installed module.
    """

    identity: Literal["code"] = "code"
    requires: Sequence[str] = ()
    folder: Path | None = None

    class Options(Spec):
        """Which function, and how it is called."""

        call: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
        """`module:function`; the prompt is `case.prompt.text` of the case that it is given."""
        allow_code: AllowCode
        files: tuple[SuitePath, ...] = ()
        """Other files that it is made of: their digests are part of its identity."""
        modality: Literal["text", "image"] = "text"
        batch: Annotated[int, Field(ge=1)] | None = None
        """Call it with a list of up to so many cases, for as many answers."""
        cwd: SuiteFolder = Path()
        """The folder its file is looked for in, by default the suite's."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.modality: Modality = options.modality
        self.batch = options.batch or 1
        self._function: Callable[[Any], Any] | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The digests of the function's file and the others. Nothing is imported for it.

        Raises:
            SpecError: There is no such file.
        """
        return digests_of([self._file(), *self._options.files], self._options.cwd)

    def __enter__(self) -> Self:
        """Import the function.

        Raises:
            SpecError: The module has none of this name.
        """
        name, _, function = self._options.call.partition(":")
        module = self._module(name)
        found = getattr(module, function, None)
        if not callable(found):
            raise SpecError(
                f"{name} has no function {function!r}",
                where=str(self._file()),
                fix=registry.suggest(function, vars(module)) or "define it in that file",
            )
        self._function = found
        return self

    def __exit__(self, *exc: object) -> None:
        self._function = None

    def check(self, params: Mapping[str, Any]) -> None:
        """Accept any parameters: the function is handed them, and raises at what it lacks."""

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Call the function for a batch."""
        if self._options.batch is None:
            return [self._answer(self._called(case)) for case in cases]
        return [self._answer(one) for one in self._called(list(cases))]

    def _called(self, asked: Case | list[Case]) -> Any:
        if self._function is None:
            raise HarnessError("the function was called before it was imported")
        try:
            return self._function(asked)
        except (AttributeError, TypeError) as error:
            if "'Case'" not in str(error):
                raise
            raise TypeError(f"{error}; a prompt's text is `case.prompt.text`") from error

    def _answer(self, value: object) -> Generated | Failure:
        if isinstance(value, Generated | Failure):
            return value
        if isinstance(value, str if self.modality == "text" else Image):
            return Generated(media=value)
        if inspect.iscoroutine(value):
            value.close()
        said = f"the function returned {type(value).__name__}"
        return Failure(f"{said}, where {self.modality} was asked for")

    def _file(self) -> Path:
        """The file of the module: beside the suite, or else where it is installed.

        Found without importing, because a package's own code would run.
        """
        name = self._options.call.partition(":")[0]
        first, *steps = name.split(".")
        beside = self._beside()
        if beside.is_file():
            return beside
        spec = None if first in sys.builtin_module_names else importlib.util.find_spec(first)
        if spec is not None and not steps and spec.origin and Path(spec.origin).is_file():
            return Path(spec.origin)
        for folder in (spec.submodule_search_locations or []) if spec is not None else []:
            place = Path(folder).joinpath(*steps)
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if path.is_file():
                    return path
        raise SpecError(
            f"there is no module {name!r}, beside the suite or installed",
            where=str(beside),
            fix="write `call: module:function`, with module.py beside the suite",
        )

    def _module(self, name: str) -> ModuleType:
        """Import it afresh where it lies beside the suite.

        A module of the same name may have been imported for another suite, and it is
        the file whose digest was taken that has to run.
        """
        file = self._file()
        if file != self._beside():
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(f"{name}@{digests.of_file(file)}", file)
        if spec is None or spec.loader is None:
            raise SpecError("the file cannot be imported", where=str(file))
        module = importlib.util.module_from_spec(spec)
        # Dataclasses and pickles look their module up by its name.
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    def _beside(self) -> Path:
        """Where its file would lie beside the suite."""
        steps = self._options.call.partition(":")[0].split(".")
        return self._options.cwd.joinpath(*steps).with_suffix(".py")
