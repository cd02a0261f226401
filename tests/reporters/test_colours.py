"""The style sheet's colours can be read in both themes."""

from __future__ import annotations

import re
from itertools import product

import pytest

from harness.spec import library

TONES = ("pass", "fail", "inconclusive", "waived", "neutral")
PAIRS = [
    *((tone, f"{tone}-wash") for tone in TONES),
    *product(("ink", "soft", "fail"), ("paper", "card", "wash")),
    *((tone, "card") for tone in TONES),
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
