"""An envelope is read in the one form it was signed in, and in no other."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import digests
from harness.errors import AlteredError
from harness.ledger import keys
from harness.ledger.dsse import opened, sign

KIND = "application/vnd.in-toto+json"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x, max_size=3)
)


@pytest.fixture
def envelope() -> bytes:
    return sign(KIND, {"outcome": "pass", "name": "é"}, keys.signer())


def test_what_was_signed_is_read_back(envelope: bytes) -> None:
    found = opened(envelope, KIND, keys.trusted())

    own = keys.signer().public
    assert found.value == {"outcome": "pass", "name": "é"}
    assert (found.signer, found.key_id) == (own.name, own.key_id)
    assert found.digest == digests.of_bytes(envelope)


def test_the_signature_is_over_the_pre_authentication_encoding(envelope: bytes) -> None:
    """Worked by hand from the specification, with the library's own verification."""
    written = json.loads(envelope)
    payload = base64.b64decode(written["payload"])
    said = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    signature = base64.b64decode(written["signatures"][0]["sig"])
    keys.signer().public.key.verify(signature, said)


def test_any_byte_that_changes_is_noticed(envelope: bytes) -> None:
    for place in range(len(envelope)):
        for flip in (1, 32, 128):
            changed = bytearray(envelope)
            changed[place] ^= flip
            with pytest.raises(AlteredError):
                opened(bytes(changed), KIND, keys.trusted())


@pytest.mark.parametrize("more", [b" ", b"\n", b"{}"])
def test_bytes_around_it_are_noticed(envelope: bytes, more: bytes) -> None:
    for changed in (envelope + more, more + envelope):
        with pytest.raises(AlteredError):
            opened(changed, KIND, keys.trusted())


def test_another_kind_or_an_unknown_key_is_refused(envelope: bytes) -> None:
    with pytest.raises(AlteredError, match="not in the form"):
        opened(envelope, "application/json", keys.trusted())
    with pytest.raises(AlteredError, match="a key that is not trusted here"):
        opened(envelope, KIND, {})


def test_anothers_signature_under_a_trusted_id_is_refused(envelope: bytes) -> None:
    written: dict[str, Any] = json.loads(envelope)
    written["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    with pytest.raises(AlteredError, match="the signature is not"):
        opened(digests.canonical(written), KIND, keys.trusted())


@given(st.binary(max_size=200) | JSON.map(digests.canonical))
def test_nothing_makes_it_crash(data: bytes) -> None:
    with pytest.raises(AlteredError):
        opened(data, KIND, {})
