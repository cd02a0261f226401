"""The segmenter: what is a word, and that the same text always gives the same ids."""

import json
import logging
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.tokens import SEGMENTER, token_ids, words

VISIBLE = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs")), max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t", []),
        ("The cat; the CAT.", ["the", "cat", ";", "the", "cat", "."]),
        ("3.14 and 1,000,000 or 2.", ["3.14", "and", "1,000,000", "or", "2", "."]),
        ("don't O\u2019Neill 'quoted'", ["don't", "o\u2019neill", "'", "quoted", "'"]),
        ("snake_case __", ["snake", "_", "case", "_", "_"]),
        ("well-known... wow!!", ["well", "-", "known", ".", ".", ".", "wow", "!", "!"]),
        ("gpt4o v2.0beta", ["gpt4o", "v2", ".", "0beta"]),
    ],
)
def test_words_numbers_and_marks_are_tokens(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_combining_mark_stays_in_its_word() -> None:
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert words("e\u0301te\u0301") == ["\u00e9t\u00e9"]
    assert words("\u2764\ufe0f!") == ["\u2764\ufe0f", "!"]


def test_forms_of_one_character_are_one_token() -> None:
    assert words("\uff27\uff30\uff34\uff0d\uff14") == words("gpt-4")
    assert words("\ufb01ne") == ["fine"]


def test_format_characters_do_not_make_a_word_new() -> None:
    assert words("\ufeffhello\u200b world\u200e") == ["hello", "world"]


def test_han_is_cut_by_the_dictionary_and_the_rest_by_spaces() -> None:
    assert words("我来到北京清华大学, OK") == ["我", "来到", "北京", "清华大学", ",", "ok"]
    assert words("价格3.5元/斤") == ["价格", "3.5", "元", "/", "斤"]
    assert words("\U00020000") == ["\U00020000"]


def test_han_does_not_reach_the_log_or_the_screen(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        words("汉语分词")
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@given(VISIBLE)
def test_no_visible_character_is_lost(text: str) -> None:
    normal = unicodedata.normalize("NFKC", text).lower()
    # NFKC may turn a visible character into a format one, which is dropped.
    kept = (c for c in normal if unicodedata.category(c) not in {"Cc", "Cf"})
    assert "".join(words(text)) == "".join("".join(kept).split())


@given(st.text(max_size=30), st.text(max_size=30))
def test_texts_apart_are_cut_apart(left: str, right: str) -> None:
    assert words(f"{left}\n{right}") == words(left) + words(right)


def test_ids_are_signed_64_bit_and_follow_the_token() -> None:
    ids = token_ids(["b", "a", "b", "", "汉", "\ud800"])
    assert ids[0] == ids[2]
    assert len(set(ids)) == 5
    assert all(-(2**63) <= value < 2**63 for value in ids)


def test_another_process_gives_the_same_ids_and_loads_jieba_only_for_han() -> None:
    code = (
        "import json, sys; from harness.metrics.tokens import token_ids, words;"
        "ids = token_ids(words('Same words')); early = 'jieba' in sys.modules;"
        "print(json.dumps([ids, early, token_ids(words('清华大学'))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    ids, early, han = json.loads(done.stdout)
    assert (ids, early, done.stderr) == (token_ids(["same", "words"]), False, "")
    assert han == token_ids(words("清华大学"))


def test_the_segmenter_is_named_with_its_version() -> None:
    from importlib.metadata import version

    assert version("jieba") in SEGMENTER
