"""Signed documents a policy asks for: brought into the run, and their signatures checked."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from harness import digests, durable
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.evidence import Signed
from harness.spec.policy import PolicySpec
from harness.spec.requirement import Document

FOLDER, INDEX = "documents", "documents.json"
MOST_BYTES = 100_000_000
_SIGNATURE_BYTES = 64


def bring(store: Store, policy: PolicySpec, base: Path) -> None:
    """Copy the documents that are there, with their signatures, into the run.

    Args:
        store: The run.
        policy: What it is judged by.
        base: The policy's folder; `FILE.NAME.sig` beside a document is NAME's signature.

    Raises:
        AlteredError: A document is larger than 100 MB.
    """
    asked = [rule.document for rule in policy.rules if rule.document]
    index: dict[str, Any] = {}
    for one in asked:
        path = base / one.file
        if path.is_file():
            if path.stat().st_size > MOST_BYTES:
                raise AlteredError(f"larger than {MOST_BYTES:,} bytes", where=str(path))
            data = path.read_bytes()
            name = digests.of_bytes(data)
            durable.write(store.root / FOLDER / name, data)
            index[one.file] = {"sha256": name, "signatures": _signatures(path, one)}
    if asked or (store.root / INDEX).is_file():
        store.write_json(INDEX, index)


def signed(store: Store, policy: PolicySpec) -> dict[str, Signed]:
    """Check the signatures on each document in the run against the policy's keys.

    Raises:
        AlteredError: A document in the run is not the one that was brought.
    """
    if not (store.root / INDEX).is_file():
        return {}
    index = store.read_json(INDEX)
    asked = {rule.document.file: rule.document for rule in policy.rules if rule.document}
    return {name: _checked(store, index[name], asked[name]) for name in asked if name in index}


def _checked(store: Store, item: Any, asked: Document) -> Signed:
    path = store.root / FOLDER / item["sha256"]
    data = path.read_bytes() if path.is_file() else b""
    if digests.of_bytes(data) != item["sha256"]:
        raise AlteredError("a document in the run was changed or lost", where=str(path))
    given = item["signatures"]
    people = {name: key for name, key in sorted(asked.signed_by.items()) if name in given}
    valid = {name: _valid(data, given[name], key) for name, key in people.items()}
    return Signed(
        sha256=item["sha256"],
        signers=tuple(name for name, good in valid.items() if good),
        invalid=tuple(name for name, good in valid.items() if not good),
    )


def _signatures(path: Path, asked: Document) -> dict[str, str]:
    """By name, the signature beside the document: 64 raw bytes, or base64 of them."""
    found = {}
    for name in asked.signed_by:
        place = path.with_name(f"{path.name}.{name}.sig")
        if place.is_file():
            raw = place.read_bytes()[:4096]
            plain = raw if len(raw) == _SIGNATURE_BYTES else _decoded(raw)
            found[name] = base64.b64encode(plain).decode()
    return found


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _valid(data: bytes, signature: str, key: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        public = load_der_public_key(_decoded(key.encode()))
    except ValueError:
        return False
    if not isinstance(public, Ed25519PublicKey):
        return False
    try:
        public.verify(_decoded(signature.encode()), data)
    except InvalidSignature:
        return False
    return True
