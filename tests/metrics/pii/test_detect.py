from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.pii.detect import find
from harness.metrics.pii.patterns import TYPES
from tests.metrics.pii.planted import PLANTED

FRAMES = ("{}", "call it {} then", "我的号码是{}，谢谢", "号{}号", "（{}）", '{{"v":"{}"}}')

HARD_NEGATIVES = (
    "order 1234567890123456 shipped",
    "订单号20240131123456，2024年1月31日",
    "2024-01-31T12:34:56.789012Z",
    "1700000000 1700000000000 1700000000000000",
    "release 4.18.0.372, version 81.2.69.142, v1.2.3.44 and Safari/5.1.7.10",
    "1.2.3.4 then 1.2.3.4.5 and 256.81.2.1",
    "pip install torch==2.1.0.14",
    "ISBN 978-0-306-40615-7 or 9780306406157, 0-306-40615-2",
    "EAN 4006381333931",
    "d41d8cd98f00b204e9800998ecf8427e",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "550e8400-e29b-41d4-a716-446655440000",
    "0.4111111111111111 and 3.13812345678",
    "12:34:56 aa:bb:cc:dd:ee:ff std::cout a::b dead::beef ::1",
    "127.0.0.1 192.168.0.1 10.0.0.8 172.16.5.4 fe80::1",
    "@someone icon@2x.png git@github.com:a/b.git a@b info@presidio.",
    "UTC+08:00, +1000000000, 1e+1234567, x +12345678",
    "911-411-1234 and 123-456-7890 and 415-911-1234",
    "E12345678 C12345678 H1234567890 12345678",
    "台胞证有效期至20290101",
    "云API接口，云ASSIST服务，京剧12345",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk-learn-something-with-a-long-name",
    "eyJust.eyJust.a token, Bearer of news",
    "-----BEGIN RSA PRIVATE KEY----- is how the file begins.",
    "π = 3.14159265358979323846, 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "第123-45-6789号样本",
    "x4012888888881881 4012888888881881y",
)


@pytest.mark.parametrize("text", HARD_NEGATIVES)
def test_what_only_looks_like_personal_data_is_not_found(text: str) -> None:
    assert find(text) == ()


@pytest.mark.parametrize("kind", PLANTED)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_a_valid_value_is_found_in_english_and_chinese_text(
    kind: str, data: st.DataObject
) -> None:
    value = data.draw(PLANTED[kind])

    for frame in FRAMES:
        text = frame.format(value)
        start = text.index(value)
        found = find(text)
        assert [(s.start, s.end) for s in found] == [(start, start + len(value))], text
        assert found[0].type in TYPES


@pytest.mark.parametrize("kind", PLANTED)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_a_value_in_full_width_characters_is_found_where_it_stands(
    kind: str, data: st.DataObject
) -> None:
    value = data.draw(PLANTED[kind])
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)

    (span,) = find(f"见{wide}。")

    assert (span.start, span.end) == (1, 1 + len(wide))


@settings(deadline=None, max_examples=30)
@given(PLANTED["credit_card"], st.data())
def test_invisible_characters_inside_a_number_do_not_hide_it(
    card: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(1, len(card) - 1))
    hidden = (
        card[:place]
        + data.draw(st.sampled_from("\u200b\u200d\u2060\ufeff\u00ad"))
        + card[place:]
    )

    (span,) = find(f"卡{hidden}。")

    assert (span.type, span.start, span.end) == ("credit_card", 1, 1 + len(hidden))


def test_an_invisible_character_still_sets_a_number_apart_from_a_word() -> None:
    (span,) = find("card\u200b4012888888881881")

    assert (span.start, span.end) == (5, 21)


def test_a_card_glued_to_chinese_text_is_found() -> None:
    assert [(s.type, s.start, s.end) for s in find("卡号4012888888881881已注销")] == [
        ("credit_card", 2, 18)
    ]


def test_a_value_that_begins_inside_a_rejected_one_is_found() -> None:
    assert [s.type for s in find("1234 4012 8888 8888 1881")] == ["credit_card"]


def test_the_longer_of_two_findings_is_kept() -> None:
    assert [s.type for s in find("4012888888881881@example.org")] == ["email"]


def test_an_empty_text_holds_nothing() -> None:
    assert find("") == ()


ROUGH = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            ["@", "+86", "4012", "-", " ", "eyJ", "PRIVATE KEY-----", "护照", "\u200b"]
        ),
        *PLANTED.values(),
    ),
    max_size=8,
).map("".join)


@settings(deadline=None, max_examples=300)
@given(ROUGH)
def test_spans_lie_in_the_text_in_order_and_apart(text: str) -> None:
    found = find(text)

    assert all(0 <= s.start < s.end <= len(text) for s in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert {s.type for s in found} <= set(TYPES)


HOSTILE = (
    "1 ", "4012 ", "a@", "a.", "+1", "(", "eyJ-", "eyJ.", "::", "2a:", "1.1.", "sk-a", "GB29 ",
    "-----BEGIN PRIVATE KEY-----", "aws secret ", "\u200b1", "京A1", "台湾", "E1", "x",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_hostile_text_is_read_to_its_end(piece: str) -> None:
    find(piece * (20_000 // len(piece)))
