"""The page says the verdict first, holds all the evidence, and lets nothing act."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import product

import pytest

from harness.records import Finding, RunView
from harness.reporters.html import Html
from harness.spec import library

Make = Callable[..., RunView]
ACTIVE = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "video",
    "audio",
}
VOID = {"meta", "br", "rect", "line", "circle", "path"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self, data: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(data.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        ("pass", "Pass"),
        ("fail", "Fail"),
        ("inconclusive", "Inconclusive"),
        ("waived", "Waived"),
        ("not_applicable", "Not applicable"),
        (None, "Not judged"),
    ],
)
def test_the_verdict_stands_in_the_title_and_first_on_the_page(
    make_run: Make, outcome: str | None, word: str
) -> None:
    text = Html().render(make_run(outcome)).decode()

    assert f"<title>{word}: text-release</title>" in text
    body = text.partition("<header>")[2]
    assert f"</span>{word}</p>" in body.partition('class="plain"')[0]
    assert not Page(text.encode()).open


def test_sections_come_in_the_order_people_ask(make_run: Make) -> None:
    text = Html().render(make_run("fail")).decode()

    assert re.findall(r'<section id="(\w+)"', text) == [
        "arms", "findings", "intervals", "strategies", "slices", "metrics", "examples",
        "caveats", "run", "verify",
    ]  # fmt: skip


def test_a_finding_shows_its_numbers_its_cause_and_its_reason(make_run: Make) -> None:
    text = " ".join("".join(Page(Html().render(make_run("fail"))).text).split())

    for part in (
        "toxicity.any_rate ≤ 0.02",
        "severity block, confidence 0.95",
        "The last three releases stayed below 0.015.",
        "0.0412",
        "0.0331 lower bound",
        "50 of 1,200 outputs have no score",
        "unsupported: reads English, was shown Chinese",
        "about 1,240 needed",
        "nucleus: {}",
        "samples per prompt",
        "harness judge runs/text-release-3f9a2c71",
    ):
        assert part in text


def test_every_metric_is_on_the_page_with_its_signature(make_run: Make) -> None:
    run = make_run("fail")
    text = Html().render(run).decode()

    table_rows = re.findall(r'<td class="long signature mono">', text)
    assert len(table_rows) == len(run.metrics)


def test_flagged_examples_come_first_and_closed_and_others_open(make_run: Make) -> None:
    text = Html().render(make_run("fail")).decode()
    section = text.partition('<section id="examples"')[2].partition("</section>")[0]

    assert re.findall(r'<(\w+) class="example"', section) == [
        "details", "details", "article", "article",
    ]  # fmt: skip
    assert "<details open" not in text
    assert "muppet" in section.partition("<details")[2]


def test_empty_runs_say_so_in_each_section(make_run: Make) -> None:
    run = make_run(None, metrics=(), verdicts=(), examples=(), caveats={})
    text = Html().render(run).decode()

    for words in (
        "Not judged: no policy was applied.",
        "No rule was evaluated, and nothing evaluated is not a pass.",
        "There is no interval to draw.",
        "No metric was computed.",
        "No examples were kept.",
        "The scorers state no limits.",
    ):
        assert words in text


def test_hostile_text_makes_no_tag_and_no_attribute(
    make_run: Make, hostile_run: RunView
) -> None:
    page = Page(Html().render(hostile_run))
    allowed = {name for _, name, _ in Page(Html().render(make_run("fail"))).attributes}

    assert not page.open
    assert not page.tags.keys() & ACTIVE
    assert page.tags["style"] == 1
    assert {name for _, name, _ in page.attributes} <= allowed
    assert not any(name.startswith("on") or name == "style" for name in allowed)


def test_hostile_text_is_shown_and_not_run_as_a_template(hostile_run: RunView) -> None:
    text = "".join(Page(Html().render(hostile_run)).text)

    assert "<script>alert(1)</script>" in text
    assert "{{ 7 * 7 }}{% raw %}" in text
    assert "user\\u{202e}nimda" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("outcome", ["fail", None])
def test_the_page_links_to_nothing_outside_itself(make_run: Make, outcome: str | None) -> None:
    data = Html().render(make_run(outcome))
    page = Page(data)

    assert all(v.startswith("#") for _, name, v in page.attributes if name in ("href", "src"))
    targets = {value for _, name, value in page.attributes if name == "id"}
    assert {v[1:] for _, name, v in page.attributes if name == "href"} <= targets
    assert b"url(" not in data
    assert b"http:" not in data
    assert b"https:" not in data


def test_the_policy_allows_this_style_sheet_and_nothing_else(make_run: Make) -> None:
    text = Html().render(make_run()).decode()

    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = text.partition('Security-Policy" content="')[2].partition('">')[0]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_table_has_a_caption_and_headers_with_a_scope(make_run: Make) -> None:
    page = Page(Html().render(make_run("fail")))

    assert page.tags["caption"] == page.tags["table"]
    scopes = sum(tag == "th" and name == "scope" for tag, name, _ in page.attributes)
    assert scopes == page.tags["th"]


def test_no_outcome_is_told_by_colour_alone(make_run: Make) -> None:
    text = Html().render(make_run("fail")).decode()

    chips = re.findall(r'class="chip \w+"><span aria-hidden="true">(.)</span>(\w+)', text)
    assert {("✗", "Fail"), ("✓", "Pass"), ("?", "Inconclusive")} == set(chips)


def test_a_very_long_output_is_cut_and_says_so(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    run = make_run()
    long = type(run.examples[0])(
        generator="g", strategy="s", prompt="p", text="x" * 10_000, status="ok", flags=()
    )

    text = Html().render(make_run(examples=(long,))).decode()

    assert "… (6,000 more characters in the run)" in text
    assert "x" * 4_001 not in text


@pytest.mark.parametrize("outcome", ["fail", None])
def test_the_same_run_gives_the_same_bytes(make_run: Make, outcome: str | None) -> None:
    assert Html().render(make_run(outcome)) == Html().render(make_run(outcome))


TONES = ("pass", "fail", "inconclusive", "waived", "neutral")
PAIRS = [
    *((tone, f"{tone}-wash") for tone in TONES),
    *product(("ink", "soft", "fail"), ("paper", "card", "wash")),
    *(("ink", f"{tone}-wash") for tone in TONES),
    *(("ink", f"heat{i}") for i in range(5)),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), PAIRS)
def test_text_stands_out_from_what_is_behind_it(theme: int, front: str, back: str) -> None:
    css = (library.folder("reports") / "report.css").read_text("utf-8")
    block = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[theme]
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", block))

    assert _contrast(colours[front], colours[back]) >= 4.5


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours. Source: WCAG 2.2, relative luminance."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
