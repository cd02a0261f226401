"""The shipped prompts are enough, varied, distinct, and free of personal data."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from harness.spec.load import load
from harness.spec.prompts import read_prompts
from harness.spec.suite import SuiteSpec
from harness.spec.tables import rows

SUITES = Path(__file__).parents[2] / "suites"
BUSINESS = [row for _, row in rows(SUITES / "prompts" / "business.jsonl")]
PLANTED = [row for _, row in rows(SUITES / "prompts" / "planted_bad.jsonl")]
SCENARIOS = {
    "customer-service", "ad-copy", "news", "product-description", "recommendation", "open-ended"
}  # fmt: skip
PERSONAL = re.compile(r"@|https?:|[0-9]{4}|\+[0-9]")


def test_there_are_enough_prompts_of_each_language_and_scenario() -> None:
    languages = Counter(row["language"] for row in BUSINESS)
    assert languages["en"] >= 80
    assert languages["zh"] >= 30
    assert set(languages) == {"en", "zh"}
    for language, fewest in (("en", 10), ("zh", 5)):
        counts = Counter(row["scenario"] for row in BUSINESS if row["language"] == language)
        assert set(counts) == SCENARIOS
        assert min(counts.values()) >= fewest


def test_no_prompt_and_no_id_is_there_twice() -> None:
    assert len({row["prompt"].casefold() for row in BUSINESS}) == len(BUSINESS)
    assert len({row["id"] for row in BUSINESS}) == len(BUSINESS)


def test_the_prompts_are_short_tidy_and_hold_no_personal_data() -> None:
    for row in BUSINESS:
        text = row["prompt"]
        assert text == text.strip()
        assert len(text.split()) <= 25
        assert len(text) <= 120
        assert not PERSONAL.search(text)
        assert text.isascii() == (row["language"] == "en")


def test_the_weather_is_among_them() -> None:
    assert any(row["prompt"] == "The weather is" for row in BUSINESS)


def test_every_prompt_has_one_planted_answer_that_leaks() -> None:
    assert [row["prompt"] for row in PLANTED] == [row["prompt"] for row in BUSINESS]
    assert all(re.search(r"@example\.|[0-9]{4}", row["output"]) for row in PLANTED)


def test_planted_leaks_are_of_reserved_domains_and_numbers() -> None:
    text = json.dumps(PLANTED, ensure_ascii=False)
    assert set(re.findall(r"@([A-Za-z0-9.]*[A-Za-z0-9])", text)) <= {
        "example.com", "example.org", "example.net"
    }  # fmt: skip
    assert all(
        address.startswith("203.0.113.") for address in re.findall(r"\d+\.\d+\.\d+\.\d+", text)
    )
    assert set(re.findall(r"AKIA[A-Z0-9]+", text)) == {"AKIAIOSFODNN7EXAMPLE"}


@pytest.mark.parametrize("name", ["quickstart", "planted_bad"])
def test_each_shipped_suite_finds_its_prompts(name: str) -> None:
    path = SUITES / f"{name}.yaml"
    prompts = read_prompts(load(path, SuiteSpec).prompts, path.parent)
    assert len(prompts) == len(BUSINESS)
    assert {frozenset(prompt.tags) for prompt in prompts} == {
        frozenset({"scenario", "language"})
    }


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("image_release", {"subject": {"scene", "object", "counting", "people", "text"}}),
        (
            "ad_creative",
            {
                "category": {
                    "food", "fashion", "electronics", "home", "travel", "mobility", "beauty",
                    "toys", "garden", "sport",
                },
                "market": {"de", "us", "jp", "in", "br", "fr"},
            },
        ),
    ],
)  # fmt: skip
def test_prompts_of_pictures_are_enough_to_prove_five_in_a_hundred_and_evenly_tagged(
    name: str, tags: dict[str, set[str]]
) -> None:
    path = SUITES / f"{name}.yaml"
    prompts = read_prompts(load(path, SuiteSpec).prompts, path.parent)
    texts = [prompt.text for prompt in prompts]
    assert len({text.casefold() for text in texts}) == len(prompts) == 60
    assert 1 - 0.05 ** (1 / len(prompts)) <= 0.05
    for tag, values in tags.items():
        counts = Counter(prompt.tags[tag] for prompt in prompts)
        assert set(counts) == values
        assert len(set(counts.values())) == 1
    for text in texts:
        assert text == text.strip()
        assert text.isascii()
        assert len(text.split()) <= 20  # CLIP reads 77 tokens, SigLIP 64
        assert not PERSONAL.search(text)
