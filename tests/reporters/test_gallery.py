"""A real browser shows the pictures themselves, and hides the sensitive ones until asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import (
    Browser,
    Dialog,
    FloatRect,
    Locator,
    Page,
    expect,
)

from harness import pictures
from harness.flow.thumbnails import thumbnail
from harness.records import Example, Image, Picture, Place, RunView
from harness.reporters.gallery import walls
from harness.reporters.html import Html
from harness.reporters.visible import visible
from tests.reporters.hostile import HOSTILE
from tests.reporters.made import view

Pixels = NDArray[np.uint8]
Show = Callable[..., Page]
FREE = ("generator", "strategy", "prompt", "text", "hidden", "measure")


def noise(seed: int, height: int = 16, width: int = 16) -> Pixels:
    shape = (height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def example(pixels: Pixels | None, place: Place = "drawn", **changes: str) -> Example:
    """One picture of the arm `plain`, or the failure to make one."""
    height, width = (0, 0) if pixels is None else pixels.shape[:2]
    picture = Picture(
        source=changes.pop("source", "") if pixels is None else thumbnail(Image(pixels)),
        width=width, height=height, place=place, score=None if pixels is None else 31.25,
        measure=changes.pop("measure", "alignment.clip_score, higher is better"),
        hidden=changes.pop("hidden", ""),
    )  # fmt: skip
    texts = {"generator": "painter", "strategy": "plain", "prompt": "a red fox", "text": ""}
    return Example(
        **{**texts, **changes},
        status="error" if pixels is None else "ok",
        flags=(),
        picture=picture,
    )


def page_of(*examples: Example) -> RunView:
    return view("pass", examples=examples)


@pytest.fixture
def show(browser: Browser, tmp_path: Path, events: list[str]) -> Iterator[Show]:
    """Open a run's report without a network, noting all the page says and asks for."""
    contexts = []

    def noted(dialog: Dialog) -> None:
        events.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def opened(run: RunView, width: int = 1200, scheme: str = "light") -> Page:
        file = tmp_path / "report.html"
        file.write_bytes(Html().render(run))
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", noted)
        page.on("console", lambda message: events.append(f"console {message.text}"))
        page.on("pageerror", lambda error: events.append(f"error {error}"))
        page.on("request", lambda r: events.append(f"request {r.url[:99]}"))
        page.goto(file.as_uri(), wait_until="load")
        events[:] = [e for e in events if not e.startswith(("request file:", "request data:"))]
        return page

    yield opened
    for context in contexts:
        context.close()


def seen(image: Locator) -> Pixels:
    """The pixels on the screen where the picture is; a browser paints on whole ones."""
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    assert box
    x, y, width, height = (round(box[name]) for name in ("x", "y", "width", "height"))
    clip = FloatRect(x=x, y=y, width=width, height=height)
    shot = pictures.decode(image.page.screenshot(clip=clip))
    assert isinstance(shot, Image)
    return shot.pixels


def enlarged(pixels: Pixels, times: int) -> Pixels:
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_small_picture_stands_on_the_page_pixel_by_pixel(
    show: Show, events: list[str], width: int, scheme: str
) -> None:
    page = show(page_of(example(noise(1)), example(noise(2))), width, scheme)
    images = page.get_by_role("img", name="a red fox")
    assert (seen(images.nth(0)) == enlarged(noise(1), 6)).all()
    assert (seen(images.nth(1)) == enlarged(noise(2), 6)).all()
    assert events == []


def test_a_large_picture_is_shown_as_its_thumbnail_in_its_own_shape(show: Show) -> None:
    halves = np.zeros((600, 300, 3), np.uint8)
    halves[:300] = (200, 30, 60)
    shot = seen(show(page_of(example(halves))).get_by_role("img", name="a red fox"))
    assert shot.shape == (96, 48, 3)
    assert np.abs(shot[20, 24].astype(int) - (200, 30, 60)).max() < 8
    assert shot[80, 24].max() < 8


@pytest.mark.parametrize("by", ["picture", "key"])
def test_a_sensitive_picture_is_blurred_until_it_is_asked_for(show: Show, by: str) -> None:
    page = show(page_of(example(noise(1), hidden="flagged by nsfw.unsafe")))
    image = page.locator(".veil img")
    label = page.get_by_text("hidden: flagged by nsfw.unsafe")
    box = page.get_by_role("checkbox", name="hidden: flagged by nsfw.unsafe")
    plain = enlarged(noise(1), 6)
    assert label.is_visible()
    blurred = seen(image)[30:]  # the box itself lies on the upper rows
    assert blurred.std(axis=(0, 1)).max() < 0.5 * plain.std(axis=(0, 1)).min()
    if by == "picture":
        image.click()
    else:
        box.focus()
        page.keyboard.press("Space")
    assert box.is_checked()
    assert (seen(image)[30:] == plain[30:]).all()
    image.click()
    assert difference(seen(image)[30:], plain[30:]) > 30


def test_a_picture_that_is_not_sensitive_has_no_veil(show: Show) -> None:
    assert show(page_of(example(noise(1)))).locator(".veil").count() == 0


def test_a_failure_is_an_empty_frame_with_its_reason(show: Show) -> None:
    page = show(page_of(example(noise(1)), example(None, text="the device ran out of memory")))
    frame = page.get_by_text("the device ran out of memory")
    box, picture = frame.bounding_box(), page.locator(".frame").first.bounding_box()
    assert box and picture
    assert (box["width"], box["height"], box["y"]) == (
        picture["width"], picture["height"], picture["y"],
    )  # fmt: skip
    assert page.locator(".frame.empty img").count() == 0


def test_arms_hang_below_each_other_with_the_same_prompt_above_the_same(show: Show) -> None:
    examples = [
        example(noise(n), prompt=f"fox {n}", strategy=arm)
        for arm in ("plain", "warm")
        for n in range(12)
    ]
    page = show(page_of(*examples))
    for n in range(12):
        one, two = page.get_by_role("img", name=f"fox {n}", exact=True).all()
        above, below = one.bounding_box(), two.bounding_box()
        assert above and below
        assert above["x"] == below["x"]
        assert above["y"] < below["y"]
    assert page.get_by_role("heading", level=4).all_inner_texts() == ["plain", "warm"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200


def test_the_gallery_can_be_read_aloud_and_scrolled_by_keys(show: Show) -> None:
    examples = [example(noise(n), prompt=f"fox {n}") for n in range(12)]
    page = show(page_of(*examples), 400)
    figure = page.get_by_role("figure").filter(has=page.get_by_role("img", name="fox 11"))
    assert figure.inner_text().split("\n") == ["fox 11", "score 31.25"]
    hall = page.get_by_role("region", name="Drawn at random").last
    hall.focus()
    page.keyboard.press("ArrowRight")
    expect(hall).not_to_have_js_property("scrollLeft", 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("width", [400, 1200])
def test_hostile_text_stays_text(show: Show, events: list[str], width: int) -> None:
    hostile = [
        example(
            pixels, place, prompt=text, text=text, generator=text, hidden=text, measure=text
        )
        for text in HOSTILE
        for pixels in (noise(1), None)
        for place in ("worst", "best", "drawn")
    ]
    page = show(page_of(*hostile), width)
    page.wait_for_timeout(300)
    assert events == []
    assert page.locator("script, iframe, link, form, svg[onload], img[onerror]").count() == 0
    spoken = page.locator("img").evaluate_all("all => all.map(e => e.alt)")
    assert set(spoken) == {visible(text).replace("\r", "␍") for text in HOSTILE}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    "source",
    [
        "https://evil.example/a.png", "data:image/svg+xml;base64,PHN2Zy8+", "file:///etc/passwd",
        'data:image/png;base64,AA" onerror="alert(1)', "data:text/html;base64,AAAA",
    ],
)  # fmt: skip
def test_only_pictures_of_ours_are_shown(show: Show, events: list[str], source: str) -> None:
    page = show(page_of(example(None, source=source)))
    assert page.get_by_text("nothing came back").is_visible()
    assert page.locator("img").count() == 0
    assert events == []


def test_the_policy_lets_pictures_in_only_where_there_are_some() -> None:
    text = Html().render(page_of(example(noise(1)))).decode()
    policy = text.partition('Security-Policy" content="')[2].partition('">')[0]
    assert "; img-src data:; base-uri 'none'" in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    without = Html().render(view("pass")).decode()
    assert "img-src" not in without
    assert ".veil" not in without


def test_a_run_without_pictures_has_no_walls() -> None:
    assert walls(view("pass")) == ()


def test_an_arm_with_nothing_to_show_keeps_its_row() -> None:
    arms = [example(noise(1), "best"), example(noise(1), "worst", strategy="warm")]
    found = {
        wall.title: [len(row.shots) for row in wall.rows] for wall in walls(page_of(*arms))
    }
    assert found == {"Worst": [0, 1], "Best": [1, 0]}
    assert Html().render(page_of(*arms)).decode().count("None: everything was flagged") == 2


def test_long_prompts_are_cut_under_the_picture_and_whole_in_its_text() -> None:
    (wall,) = walls(page_of(example(noise(1), prompt="fox " * 100)))
    shot = wall.rows[0].shots[0]
    assert len(shot.caption) <= 121
    assert shot.caption.endswith("fox…")
    assert shot.prompt == "fox " * 100
