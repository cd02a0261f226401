"""Who changes an alias: this machine's key, at this hour, with the head of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from harness.ledger.entries import Author
from harness.ledger.keys import signer, trusted


def author(action: str, about: Mapping[str, str], reason: str = "") -> Author:
    """Write down what is about to be done, and say who does it."""
    return Author(signer=signer(), trusted=trusted(), now=datetime.now(UTC), reason=reason)
