"""Where a plan is run, as its suite says."""

from __future__ import annotations

import json
from typing import cast

from pydantic import ValidationError

from harness import registry
from harness.flow.bind import misfit
from harness.protocols import Executor
from harness.spec.suite import PluginSpec

HERE = PluginSpec(use="local")


def executor_of(spec: PluginSpec = HERE) -> Executor:
    """Make the executor a suite names.

    Raises:
        PluginError: There is none of that name.
        SpecError: The options do not fit it.
    """
    cls = registry.load("executors", spec.use)
    try:
        options = cls.Options.model_validate_json(json.dumps(spec.options))
    except ValidationError as error:
        raise misfit(spec, cls, error) from error
    return cast("Executor", cls(options))
