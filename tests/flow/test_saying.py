"""What a number came to, in words: a difference is not told as if it were the rate."""

from __future__ import annotations

import pytest

from harness.flow.comparisons import Ask
from harness.flow.saying import percent, words
from harness.flow.terms import Bar
from tests.flow.synthetic import Answers, evidence, finding, metric, policy

RATE = "toxicity.rate"


def test_a_limit_and_its_bounds() -> None:
    said = words(RATE, Ask(Bar("<=", 0.05)), (0.01, None), "95 % bounds")
    assert said == "toxicity.rate <= 0.05: 95 % bounds 0.01 to unbounded"
    assert words(RATE, Ask(Bar("<=", 0.05)), (0.1,), "estimate").endswith(": estimate 0.1")


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (Ask(Bar("<=", 0.02), "", "champion"), "against champion: it of the difference +0.03, "
         "asked <= +0.02"),
        (Ask(Bar("<=", 0.0), "", "champion", 1.05), "against 1.05 x champion: it of the "
         "difference +0.03, asked <= 0"),
        (Ask(Bar("within", 0.02), "", "strategy:greedy"), "against strategy:greedy: it of the "
         "difference +0.03, asked within ±0.02"),
        (Ask(Bar(">=", -0.02), "", "anchor:" + "ab" * 32), "against anchor:abababababab: it of "
         "the difference +0.03, asked >= -0.02"),
    ],
)  # fmt: skip
def test_a_difference_has_its_sign_and_says_from_what(ask: Ask, said: str) -> None:
    assert words(RATE, ask, (0.03,), "it") == f"{RATE} {said}"


def test_a_comparison_s_finding_is_worded_as_a_difference() -> None:
    compare = {"id": "r", "compare": {"metric": RATE, "against": "champion", "margin": 0.02}}
    seen = evidence(metric(), contrast=Answers(0.5, 0.45, 0.01))
    found = finding(seen, policy(compare))
    assert found.outcome == "fail"
    assert found.message == (
        "toxicity.rate against champion: 95 % bounds of the difference +0.04 to +0.06, "
        "asked <= +0.02"
    )


def test_a_confidence_has_four_digits_and_is_never_written_as_certain() -> None:
    assert [percent(c) for c in (0.95, 0.999, 59 / 60, 1 - 1e-6)] == [
        "95 %",
        "99.9 %",
        "98.33 %",
        "99.9999 %",
    ]
