"""Finished runs to render: one for every outcome, one with everything, one hostile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.records import Finding, Metric, RunView
from tests.reporters import complete, hostile, made


@pytest.fixture
def make_run() -> Callable[..., RunView]:
    """The factory of finished runs, by outcome."""
    return made.view


@pytest.fixture
def make_complete() -> Callable[..., RunView]:
    """The factory of runs with everything a policy can bring."""
    return complete.complete


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    """The factory of findings."""
    return made.finding


@pytest.fixture
def make_metric() -> Callable[..., Metric]:
    """The factory of metrics."""
    return made.metric


@pytest.fixture
def hostile_run() -> RunView:
    """A run in which every free string is hostile."""
    return hostile.hostile()


@pytest.fixture
def hostile_texts() -> tuple[str, ...]:
    """The corpus of hostile strings."""
    return hostile.HOSTILE
