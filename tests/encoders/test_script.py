"""Words and scripts, so that a text a model cannot read is not certified."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.script import least_share, script_share, sentences, words


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


def test_one_word_in_another_script_is_enough_to_leave_a_text_unread() -> None:
    english = "Of course, we are happy to help you with your order. "
    assert script_share(english, ["LATIN"]) == 1
    assert script_share(english + "Сука!", ["LATIN"]) == 0
    assert script_share(english + "去死", ["LATIN", "CYRILLIC"]) == 0
    assert script_share(english + "idіоt", ["LATIN"]) == 0  # Cyrillic letters within


def test_signs_and_marks_are_no_words_of_another_script() -> None:
    assert script_share("5 kΩ, 30 µm, Δt and Hawaiʻi cost 3 €", ["LATIN"]) == 1


def test_a_short_sentence_and_a_stretch_are_each_looked_at() -> None:
    assert least_share([[True] * 50, [True, False, False, False], [True] * 50]) == 0.25
    assert least_share([[True] * 50 + [False] * 5 + [True] * 50]) == 3 / 8
    assert least_share([[True] * 50, [False], [True] * 50]) == 7 / 8
    assert least_share([[False]]) == 0
    assert least_share([]) == least_share([[]]) == 1


@given(st.lists(st.lists(st.booleans(), max_size=30), max_size=6))
def test_the_least_share_is_at_most_that_of_everything(known: list[list[bool]]) -> None:
    every = [word for sentence in known for word in sentence]
    assert 0 <= least_share(known) <= (sum(every) / len(every) if every else 1)


@given(st.text())
def test_sentences_keep_every_word(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
