"""Who changes an alias: this machine's key, at this hour, with the head of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from harness.ledger import audit
from harness.ledger.entries import Author
from harness.ledger.keys import signer, trusted


def author(action: str, about: Mapping[str, str], reason: str = "") -> Author:
    """Write down in the audit log what is about to be done, and say who does it.

    The log's head goes into the ledger's entry, so that a log whose end is cut off
    later is noticed by whoever compares the two.

    Args:
        action: What is asked for, such as `promote`.
        about: Names and digests, no content.
        reason: The person's own words: the ledger keeps them, the log their digest.

    Raises:
        AlteredError: The audit log was changed.
    """
    head = audit.note(action, {"reason": reason, **about}, about=about)
    return Author(
        signer=signer(),
        trusted=trusted(),
        now=datetime.now(UTC),
        reason=reason,
        audit=asdict(head),
    )
