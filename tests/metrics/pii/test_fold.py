from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.pii.fold import views


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("４０１２", "4012"),
        ("Ａ＠ｂ．ｃ", "A@b.c"),
        ("\u0664\u0662", "42"),  # Arabic-Indic digits
        ("1\u20112\u22123\u00a04", "1-2-3 4"),
        ("①4 №4 nº4 2²", "①4 №4 nº4 2²"),  # these would glue a mark to a number
        ("汉字，ok", "汉字,ok"),
        ("plain", "plain"),
    ],
)
def test_characters_become_plain_where_one_stands_for_one(text: str, folded: str) -> None:
    (view,) = views(text)

    assert view.text == folded


def test_a_text_with_invisible_characters_is_seen_with_and_without_them() -> None:
    dropped, kept = views("4\u200b2")

    assert (dropped.text, kept.text) == ("42", "4\u200b2")
    assert dropped.original(0, 2) == kept.original(0, 3) == (0, 3)


@settings(deadline=None)
@given(st.text())
def test_every_character_of_a_view_comes_from_one_of_the_text(text: str) -> None:
    for view in views(text):
        assert len(view.origins) == len(view.text)
        assert list(view.origins) == sorted(set(view.origins))
        for i, character in enumerate(view.text):
            source = text[view.origins[i]]
            if character != source and unicodedata.category(source) != "Nd":
                assert character in "- " or character == unicodedata.normalize("NFKC", source)
