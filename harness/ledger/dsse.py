"""Signed JSON: one value in a DSSE envelope, in the one form that its bytes can have.

Source: Dead Simple Signing Envelope 1.0.2 (secure-systems-lab/dsse). An envelope is
read only where writing it again gives the same bytes, so that no byte of it can
change without being noticed, the unsigned ones included.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness import digests
from harness.errors import AlteredError
from harness.ledger.keys import PublicKey, Signer


class StrangerError(AlteredError):
    """Something is signed by a key that is not believed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A value whose signature is good: the value, who signed it, and the envelope's sha256."""

    value: Any
    signer: str
    key_id: str
    digest: str


def sign(kind: str, value: object, signer: Signer) -> bytes:
    """Write a value as canonical JSON in a signed envelope.

    Args:
        kind: The payload's media type.
        value: Plain JSON.
        signer: Whose signature.
    """
    payload = digests.canonical(value)
    signature = signer.sign(_authenticated(kind, payload))
    return _envelope(kind, payload, signer.public.key_id, signature)


def opened(
    data: bytes, kind: str, trusted: Mapping[str, PublicKey], *, where: str = ""
) -> Opened:
    """Read an envelope, and believe it only where a trusted key signed these very bytes.

    Args:
        data: The envelope.
        kind: The payload's media type that is expected.
        trusted: Keys by their id.
        where: What to name in an error.

    Raises:
        AlteredError: It is no such envelope, or was changed.
        StrangerError: Nobody trusted signed it.
    """
    try:
        envelope = json.loads(data)
        payload = base64.b64decode(envelope["payload"], validate=True)
        (one,) = envelope["signatures"]
        key_id, signature = str(one["keyid"]), base64.b64decode(one["sig"], validate=True)
        value = json.loads(payload)
        same = (
            _envelope(kind, payload, key_id, signature) == data
            and digests.canonical(value) == payload
        )
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise AlteredError("not a signed envelope", where=where) from error
    if not same:
        raise AlteredError("the envelope is not in the form it was signed in", where=where)
    key = trusted.get(key_id)
    if key is None:
        raise StrangerError(
            f"signed by a key that is not trusted here: {key_id[:16]}",
            where=where,
            fix="if you know whose it is: harness keys trust FILE, or --key FILE",
        )
    if not key.signed(_authenticated(kind, payload), signature):
        raise AlteredError(f"the signature is not {key.name}'s", where=where)
    return Opened(value, key.name, key_id, digests.of_bytes(data))


def _authenticated(kind: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding of the specification."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def _envelope(kind: str, payload: bytes, key_id: str, signature: bytes) -> bytes:
    return digests.canonical(
        {
            "payloadType": kind,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
        }
    )


__all__ = ["Opened", "StrangerError", "opened", "sign"]
