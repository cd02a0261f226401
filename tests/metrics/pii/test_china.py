from __future__ import annotations

import pytest

from harness.metrics.pii.detect import find


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("身份证360426199101010071。", "cn_resident_id", "360426199101010071"),
        ("44030819850214633x", "cn_resident_id", "44030819850214633x"),
        ("360426 19910101 0071", "cn_resident_id", "360426 19910101 0071"),
        ("代码91110000600037341L", "cn_credit_code", "91110000600037341L"),
        ("电话13812345678转", "cn_mobile", "13812345678"),
        ("+86 138 1234 5678", "cn_mobile", "+86 138 1234 5678"),
        ("008613812345678", "cn_mobile", "008613812345678"),
        ("86-138-1234-5678", "cn_mobile", "86-138-1234-5678"),
        ("车牌京A12345", "cn_plate", "京A12345"),
        ("粤B·D12345停车", "cn_plate", "粤B·D12345"),
        ("粤B12345D", "cn_plate", "粤B12345D"),
        ("沪A 8888挂", "cn_plate", "沪A 8888挂"),
        ("粤Z1234港", "cn_plate", "粤Z1234港"),
        ("护照号：E12345678", "cn_passport", "E12345678"),
        ("passport no. EA1234567", "cn_passport", "EA1234567"),
        ("港澳通行证C12345678", "hk_macao_permit", "C12345678"),
        ("回乡证号H1234567890", "hk_macao_permit", "H1234567890"),
        ("台胞证 12345678", "taiwan_permit", "12345678"),
        ("台湾通行证 L12345678", "taiwan_permit", "L12345678"),
    ],
)
def test_a_chinese_number_is_found(text: str, kind: str, value: str) -> None:
    (span,) = find(text)

    assert (span.type, text[span.start : span.end]) == (kind, value)


@pytest.mark.parametrize(
    "text",
    [
        "360426199101010072",
        "36042619910101007",
        "91110000600037342L",
        "12812345678",
        "138123456789",
        "1.13812345678",
        "13812345678.5",
        "京AMAZON",
        "京I12345",
        "A12345",
        "云API接口",
        "E12345678",
        "C12345678",
        "12345678",
        "L12345678",
        "台胞证有效期至20290101",
    ],
)
def test_a_fault_or_a_missing_word_leaves_nothing(text: str) -> None:
    assert find(text) == ()


def test_a_word_too_far_before_a_number_does_not_name_it() -> None:
    assert find("护照" + "，" * 50 + "E12345678") == ()
