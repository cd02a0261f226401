"""Names made from content: equal content, equal names, whatever the order."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import digests

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert digests.of_json(value) == digests.of_json(backwards)


def test_nan_has_no_digest() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        digests.of_json({"a": float("nan")})


def test_a_digest_is_plain_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digests.of_bytes(b"abc") == digests.of_file(tmp_path / "a") == expected
    assert digests.of_json(["a"]) == hashlib.sha256(b'["a"]').hexdigest()


def test_a_lone_surrogate_has_a_digest_of_its_own() -> None:
    assert digests.of_json("\ud800") != digests.of_json("?")
