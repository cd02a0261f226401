"""Text or pictures from any server that speaks OpenAI's chat, completions or images API."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from harness.errors import HarnessError
from harness.generators import endpoint_options, endpoint_requests
from harness.generators.endpoint_limits import Budget
from harness.generators.endpoint_requests import Form
from harness.records import Case, Failure, Generated, Modality
from harness.spec.secret import Secrets

if TYPE_CHECKING:
    from harness.generators.endpoint_opening import Line

_BATCHES = 8


class Endpoint:
    """Asks a server for each case, several at once, as fast as it bears.

    Rates and budgets hold for one process and all strategies of its run. A case that the
    budget does not allow is a failure that says so; the same command asks for it again.
    """

    identity: Literal["declared"] = "declared"
    folder: Path | None = None
    immaterial = endpoint_options.IMMATERIAL
    Options = endpoint_options.Options

    def __init__(self, options: endpoint_options.Options) -> None:
        self._options = options
        self.modality: Modality = "image" if options.api == "images" else "text"
        self.secrets = options.secrets
        self.requires: Sequence[str] = ("pillow",) if options.api == "images" else ()
        self.batch = options.batch or _BATCHES * options.max_concurrency
        self._form = Form.model_validate({k: getattr(options, k) for k in Form.model_fields})
        self._budget = Budget(options.max_tokens_total, options.max_cost)
        self._stack = ExitStack()
        self._line: Line | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """None that can be seen: an endpoint is what it declares."""
        return {}

    def __enter__(self) -> Self:
        """Read the secrets; connections are made when they are needed.

        Raises:
            SpecError: A secret is not set, or trusted certificates cannot be read.
        """
        from harness.generators.endpoint_opening import opened

        with ExitStack() as stack:
            line = opened(self._options, Secrets(os.environ), self._budget)
            self._line = stack.enter_context(line)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: Any) -> None:
        stopped = self._line is not None and self._line.stopped
        self._stack.__exit__(*exc)
        self._line = None
        if stopped and exc[0] is None:
            raise KeyboardInterrupt

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse parameters that the API does not have.

        Raises:
            SpecError: One is unknown or out of range.
        """
        endpoint_requests.check(self._options.api, params)

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Ask for a batch, several cases at once.

        Raises:
            KeyboardInterrupt: The batch before was stopped. It is raised this late so that
                the answers which that batch had, and which are paid for, are stored.
        """
        if self._line is None:
            raise HarnessError("the endpoint was asked before it was opened")
        if self._line.stopped:
            raise KeyboardInterrupt
        return self._line.answers(
            [(self._form.body(c), self._form.most_tokens(c)) for c in cases]
        )
