"""A real browser opens the report: nothing runs, nothing is asked for, it fits a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page

from harness.records import RunView
from harness.reporters.html import Html

Make = Callable[..., RunView]
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1280, 900)}


@pytest.fixture
def show(
    browser: Browser, tmp_path: Path, events: list[str]
) -> Iterator[Callable[[RunView, str, str], Page]]:
    """Open a run's report at a size and in a colour scheme, noting all the page does."""
    contexts = []

    def noted(dialog: Dialog) -> None:
        events.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def opened(run: RunView, size: str, scheme: str) -> Page:
        file = tmp_path / "report.html"
        file.write_bytes(Html().render(run))
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", noted)
        page.on("console", lambda message: events.append(f"console {message.text}"))
        page.on("pageerror", lambda error: events.append(f"error {error}"))
        page.on("popup", lambda popup: events.append(f"popup {popup.url}"))
        page.on(
            "request",
            lambda r: None if r.url == file.as_uri() else events.append(f"request {r.url}"),
        )
        page.goto(file.as_uri(), wait_until="load")
        return page

    yield opened
    for context in contexts:
        context.close()


Show = Callable[[RunView, str, str], Page]


@pytest.mark.parametrize("size", SIZES)
def test_hostile_text_does_nothing_in_a_browser(
    show: Show, events: list[str], hostile_run: RunView, size: str
) -> None:
    page = show(hostile_run, size, "light")

    for details in page.locator("details").all():
        details.evaluate("e => { e.open = true; }")
    page.wait_for_timeout(500)

    assert events == []
    assert page.title().startswith("Fail: <script>alert(1)</script>")
    assert page.url.startswith("file:")
    assert len(page.frames) == 1
    assert page.locator("script, img, iframe, link, form").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("outcome", ["pass", "fail", "inconclusive", None])
def test_the_page_opens_clean_and_never_scrolls_sideways(
    show: Show, events: list[str], make_run: Make, outcome: str | None, size: str, scheme: str
) -> None:
    page = show(make_run(outcome), size, scheme)

    for details in page.locator("details").all():
        details.evaluate("e => { e.open = true; }")

    assert events == []
    assert page.title().endswith(": text-release")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_everything_a_policy_brings_fits_every_screen(
    show: Show, events: list[str], make_complete: Make, size: str, scheme: str
) -> None:
    page = show(make_complete(), size, scheme)

    for details in page.locator("details").all():
        details.evaluate("e => { e.open = true; }")

    assert events == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    for box in page.locator("section .scroll").all():
        if box.locator("table.cards").count():
            assert box.evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.mark.parametrize("size", SIZES)
def test_no_text_is_cut_by_its_cell(show: Show, make_complete: Make, size: str) -> None:
    page = show(make_complete(), size, "light")

    wide = page.locator(".cards .chip, .cards svg").evaluate_all(
        "all => all.filter(e => e.getBoundingClientRect().right"
        " > e.closest('td, th').getBoundingClientRect().right + 1).length"
    )
    assert wide == 0


def test_rules_that_do_not_apply_are_folded(show: Show, make_complete: Make) -> None:
    page = show(make_complete(), "desktop", "light")
    reason = page.locator("#findings").get_by_text("The product makes text only.")

    assert not reason.is_visible()
    page.get_by_text("2 rules that do not apply").click()
    assert reason.is_visible()


def test_hostile_text_does_not_widen_a_phone(show: Show, hostile_run: RunView) -> None:
    page = show(hostile_run, "phone", "light")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_style_sheet_is_let_through_by_the_policy(show: Show, make_run: Make) -> None:
    page = show(make_run("fail"), "desktop", "light")

    border = page.locator(".verdict").evaluate("e => getComputedStyle(e).borderLeftStyle")
    assert border == "solid"


def test_flagged_text_is_hidden_until_it_is_opened(show: Show, make_run: Make) -> None:
    page = show(make_run("fail"), "phone", "light")
    insult = page.get_by_text("muppet")

    assert not insult.is_visible()
    page.get_by_text("toxicity.insult").click()
    assert insult.is_visible()


def test_tables_keep_their_meaning_on_a_phone(show: Show, make_run: Make) -> None:
    page = show(make_run("fail"), "phone", "light")

    findings = page.locator("#findings").get_by_role("table")
    assert findings.get_by_role("cell").count() > 20
    assert findings.get_by_role("rowheader", name="nucleus").count() > 0


def test_figures_have_a_spoken_summary(show: Show, make_run: Make) -> None:
    page = show(make_run("fail"), "desktop", "light")

    figure = page.get_by_role("img", name="toxicity.rate, limit ≤ 0.02. nucleus: Fail, 0.0412")
    assert figure.count() == 1
