from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.pii.detect import find
from harness.metrics.pii.mask import mask
from tests.metrics.pii.planted import PLANTED
from tests.metrics.pii.test_detect import ROUGH


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail alice@example.org now", "mail [EMAIL] now"),
        ("卡号４０１２888888881881。", "卡号[CREDIT_CARD]。"),
        ("40\u200b12888888881881", "[CREDIT_CARD]"),
        ("护照E12345678，E87654321", "护照[CN_PASSPORT]，[CN_PASSPORT]"),
        ("nothing here", "nothing here"),
        ("", ""),
    ],
)
def test_findings_become_their_type(text: str, masked: str) -> None:
    assert mask(text) == masked


@settings(deadline=None, max_examples=300)
@given(ROUGH)
def test_nothing_is_found_in_a_masked_text(text: str) -> None:
    masked = mask(text)

    assert find(masked) == ()
    assert mask(masked) == masked


@pytest.mark.parametrize("kind", PLANTED)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_a_planted_value_does_not_survive_masking(kind: str, data: st.DataObject) -> None:
    value = data.draw(PLANTED[kind])

    assert value not in mask(f"前文 {value}，and after {value}.")


def test_what_follows_two_overlapping_findings_is_not_left_behind() -> None:
    masked = mask("4012 8888 8888 1881@example.org")

    assert masked == "[CREDIT_CARD][EMAIL]"
