"""Finished runs to render, one for every outcome, and a real browser to open them in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from harness.records import Finding, Metric, RunView
from tests.reporters import complete, hostile, made

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--no-first-run", "--force-color-profile=srgb",
]  # fmt: skip


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, or a skip with its reason; in CI its absence is a failure."""
    path = shutil.which("chromium")
    if path is None:
        required = os.environ.get("CI") == "true" or os.environ.get("HARNESS_REQUIRE_BROWSER")
        reason = "chromium is not on the PATH; `apt-get install chromium` to run these tests"
        (pytest.fail if required else pytest.skip)(reason)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def events() -> list[str]:
    """What the page did that it should not have done."""
    return []
