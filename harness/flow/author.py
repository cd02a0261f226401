"""Who changes an alias: this machine's key, at this hour, with the head of the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from harness.errors import HarnessError, RefusedError
from harness.ledger import audit
from harness.ledger.entries import Author
from harness.ledger.keys import signer, trusted


@contextmanager
def asking(action: str, about: Mapping[str, str], reason: str = "") -> Iterator[Author]:
    """Write down in the audit log what is asked for, say who asks, and note a refusal.

    What was done is in the ledger. The log's head goes into the ledger's entry, so that
    a log whose end is cut off later is noticed by whoever compares the two: hence the
    log says what was asked before anybody knows what becomes of it.

    Args:
        action: What is asked for, such as `promote`.
        about: Names and digests, no content.
        reason: The person's own words: the ledger keeps them, the log their digest.

    Raises:
        AlteredError: The audit log was changed.
    """
    head = audit.note(f"{action} asked", {"reason": reason, **about}, about=about)
    try:
        yield Author(
            signer=signer(),
            trusted=trusted(),
            now=datetime.now(UTC),
            reason=reason,
            audit=asdict(head),
        )
    except HarnessError as error:
        ended = "refused" if isinstance(error, RefusedError) else "broke off"
        kind = type(error).__name__
        told = {"entry": str(head.seq), "error": kind}
        audit.note(f"{action} {ended}", {"why": str(error), **told}, about=told | dict(about))
        raise
