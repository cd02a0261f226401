from __future__ import annotations

import pytest

from harness.metrics.pii.detect import find

BODY = "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA" * 4  # 32 characters, four times
HEX = "0123456789abcdef" * 4
KEYS = (
    "AKIAIOSFODNN7EXAMPLE", "LTAI" + BODY[:20], "AKID" + BODY[:32], "ghp_" + BODY[:36],
    "ghs_" + BODY[:36], "github_pat_" + BODY[:82], "glpat-" + BODY[:20],
    "xoxb-1234567890-" + BODY[:24],
    "xapp-1-A012345-123456-" + HEX, "sk-" + BODY[:48], "sk-proj-" + BODY[:64],
    "sk-ant-api03-" + BODY[:90], "AIza" + BODY[:35], "GOCSPX-" + BODY[:28],
    "sk_" + "live_" + BODY[:24], "whsec_" + BODY[:32], "hf_" + BODY[:34], "npm_" + BODY[:36],
    "pypi-AgEIcHlwaS5vcmc" + BODY[:70], f"SG.{BODY[:22]}.{BODY[:43]}", "dop_v1_" + HEX,
    "123456789:AA" + BODY[:33],
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + BODY[:43],
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("frame", ["{}", "密钥{}，", 'token="{}"', "Bearer {}."])
def test_a_key_is_found_whole(key: str, frame: str) -> None:
    text = frame.format(key)

    assert [(s.type, text[s.start : s.end]) for s in find(text)] == [("api_key", key)]


@pytest.mark.parametrize(
    "text",
    [
        "ghp_" + "x" * 36,
        "AKIA" + "X" * 16,
        "sk-" + "a" * 40,
        "sk-learn-a-long-name-of-a-package",
        "a" + KEYS[0],
        KEYS[0] + "A",
        "eyJub3QiOiJqd3QifQ.eyJzdWIiOiIxMjM0In0." + BODY[:43],
        "eyJ" + "_" * 9 + ".eyJ" + "a" * 9 + "." + BODY[:43],
    ],
)
def test_placeholders_and_look_alikes_are_refused(text: str) -> None:
    assert find(text) == ()


def test_only_the_value_of_a_named_secret_is_a_finding() -> None:
    text = "AWS_SECRET_ACCESS_KEY = '" + BODY[:40] + "'"
    (span,) = find(text)

    assert text[span.start : span.end] == BODY[:40]


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_a_private_key_is_found_up_to_its_footer(kind: str) -> None:
    key = f"-----BEGIN {kind}PRIVATE KEY-----\n{BODY}\n-----END {kind}PRIVATE KEY-----"
    (span,) = find(f"看：{key}\n。")

    assert (span.type, span.start, span.end) == ("private_key", 2, 2 + len(key))


def test_a_private_key_cut_short_is_still_found() -> None:
    text = f"-----BEGIN PRIVATE KEY-----\n{BODY}"

    assert [(s.type, s.start, s.end) for s in find(text)] == [("private_key", 0, len(text))]


def test_a_header_without_a_key_is_nothing() -> None:
    assert find("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----") == ()
