"""Words and scripts, so that a text a model cannot read is not certified."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.script import script_share, words


def test_a_han_character_is_a_word() -> None:
    assert words(["我爱你", "ok"]) == ["我", "爱", "你", "ok"]


def test_numbers_and_marks_are_not_words() -> None:
    assert words(["12", "--", "😀", "x2"]) == ["x2"]


def test_each_script_is_told_apart() -> None:
    assert script_share("good morning", ["LATIN"]) == 1
    assert script_share("доброе утро", ["LATIN"]) == 0
    assert script_share("доброе утро", ["LATIN", "CYRILLIC"]) == 1
    assert script_share("สวัสดี", ["LATIN"]) == 0
    assert script_share("ｈｅｌｌｏ", ["LATIN"]) == 1  # full width


@given(st.text())
def test_a_share_is_a_share(text: str) -> None:
    assert 0 <= script_share(text, ["LATIN"]) <= 1


def test_a_text_without_words_leaves_nothing_unread() -> None:
    assert script_share("", ["LATIN"]) == script_share("42 !", ["LATIN"]) == 1
