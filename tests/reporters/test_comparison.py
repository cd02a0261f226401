"""The comparison's page: self-contained, escaped, and the same bytes each time."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from harness.comparison import Comparison, Contest, Standing
from harness.reporters.comparison import render
from tests.reporters.hostile import HOSTILE
from tests.reporters.test_scatter import QUALITY
from tests.reporters.test_scatter import comparison as pictured


class Elements(HTMLParser):
    """The tags and attributes a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def contest(arm: str, standing: Standing = "better", **changes: object) -> Contest:
    fields = {
        "metric": QUALITY.metric, "arm": arm, "against": "arm 0", "value": -3.0, "low": -4.0,
        "high": -2.0, "pairs": 100, "p": 0.001, "p_adjusted": 0.01, "standing": standing,
    }  # fmt: skip
    return Contest(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def made() -> Comparison:
    plain = pictured((20.0, 0.5), (17.0, 0.4))
    other = replace(contest("arm 1"), metric="diversity.distinct_2", standing="worse")
    return replace(
        plain, contests=(contest("arm 1"), other), because="It is a trade.",
        notices=("one of them stopped early",),
    )  # fmt: skip


def test_the_page_says_what_was_found(made: Comparison) -> None:
    page = render(made).decode()
    for said in ("No single choice", "It is a trade.", "stopped early", "▲ -3", "▼ -3", "Holm"):
        assert said in page
    assert page.count("<svg") == 1


def test_a_difference_has_its_sign_and_a_metric_no_space(made: Comparison) -> None:
    up = replace(made.contests[0], value=3.0)
    page = render(replace(made, contests=(up, made.contests[1]))).decode()
    assert "▲ +3<br>" in page
    assert "<td>+3</td>" in page
    assert "diversity.<wbr>distinct_2" in page
    assert "diversity. distinct_2" not in page


def test_a_choice_is_the_headline(made: Comparison) -> None:
    page = render(replace(made, recommended="arm 1")).decode()
    assert re.search(r'class="word choice"><bdi>arm 1', page)


def test_what_cannot_be_compared_says_why(made: Comparison) -> None:
    gap = contest("arm 1", "not comparable", value=None, cause="differs in seed")
    other = replace(gap, metric="diversity.distinct_2")
    assert "differs in seed" in render(replace(made, contests=(gap, other))).decode()


def test_the_same_comparison_gives_the_same_bytes(made: Comparison) -> None:
    assert render(made) == render(made)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(made: Comparison, text: str) -> None:
    arms = tuple(replace(arm, name=text + arm.name) for arm in made.contenders)
    first = arms[0].name
    contests = tuple(
        replace(c, arm=arms[1].name, against=first, cause=text) for c in made.contests
    )
    page = render(
        replace(
            made, contenders=arms, contests=contests, reference=first, because=text,
            notices=(text,), recommended=text,
        )
    ).decode("utf-8")  # fmt: skip
    seen = Elements()
    seen.feed(page)
    assert not seen.tags & {"script", "iframe", "img", "link", "object", "form"}
    assert page.count("<style") == 1
    assert not any(name.startswith("on") for name in seen.attributes)
    assert "default-src 'none'" in page
