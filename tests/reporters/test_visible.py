"""Hidden, reordering and overwriting characters can be seen, and nothing else changes."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reporters.visible import visible


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x00\r\x7f", "␀␍␡"),
        ("\x9b", "\\u{9b}"),
        ("a\u202eb\u2066", "a\\u{202e}b\\u{2066}"),
        ("\u200b\ufeff\u00ad", "\\u{200b}\\u{feff}\\u{ad}"),
        ("\ud800", "\\u{d800}"),
        ("\ufffe\U0010ffff", "\\u{fffe}\\u{10ffff}"),
        ("\u3164\u115f", "\\u{3164}\\u{115f}"),
        ("a\U000e0101", "a\\u{e0101}"),
        ("\u2028", "\\u{2028}"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        ("\u2764\ufe0f\ufe0f", "\u2764\ufe0f\\u{fe0f}"),
        ("a\ufe0f", "a\\u{fe0f}"),
    ],
)
def test_what_cannot_be_seen_is_written_out(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    text = "Línea één,\n\t您好。 مرحبا שלום नमस्ते 😀 e\u0301 «ok» 10 °C"

    assert visible(text) == text


@given(st.text(st.characters()))
def test_the_result_hides_nothing_and_can_be_written_anywhere(text: str) -> None:
    shown = visible(text)

    shown.encode("utf-8")
    assert all(
        char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Cn")
        for char in shown
    )
    element = ET.Element("a")
    element.text = shown
    read = ET.fromstring(ET.tostring(element))  # noqa: S314 - our own output
    assert read.text == (shown or None)


@given(st.text(st.characters()))
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert visible(visible(text)) == visible(text)
