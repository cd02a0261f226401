"""An entry of a promotion ledger: one change of what an alias serves, signed by its writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from harness import digests
from harness.errors import AlteredError, RefusedError
from harness.ledger.dsse import Opened, opened, sign
from harness.ledger.keys import PublicKey, Signer

KIND = "application/vnd.harness.promotion+json"
SCHEMA = "harness/promotion/v1"
NOTHING = "0" * 64
"""The digest of no entry: what the first one names as the one before it."""
_REASON_LENGTH = 2000
Op = Literal["promote", "rollback", "freeze", "unfreeze"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes, whom he believes, when and why.

    `audit` is the head of the audit log then: its id, sequence number and hash.
    """

    signer: Signer
    trusted: Mapping[str, PublicKey]
    now: datetime
    reason: str = ""
    audit: Mapping[str, str | int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an entry asks for, and the epoch that its writer saw: the number of changes before.

    `subject` and `decision` are digests; `evidence` names the run, its seal and the
    rules it was judged under. All are empty where nothing is served yet.
    """

    op: Op
    model: str
    alias: str
    version: str
    subject: str
    decision: str
    expect_epoch: int
    evidence: Mapping[str, str] = field(default_factory=dict)

    @property
    def intent(self) -> str:
        """The digest that two entries share where they ask for the same."""
        return digests.of_json(
            [
                self.model, self.alias, self.op, self.version,
                self.subject, self.decision, self.expect_epoch,
            ]
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as it stands in the ledger under its number, its signature checked.

    `seen` and `prev` are the number and digest of the last entry that its writer
    had read: others may stand between. `born` is when the ledger was made, in
    milliseconds since 1970. `actor` is the signer by the reader's name.
    """

    number: int
    digest: str
    change: Change
    seen: int
    prev: str
    born: int
    actor: str
    key_id: str
    time: datetime
    reason: str
    audit: Mapping[str, str | int] | None

    @property
    def told(self) -> str:
        """The entry in a few words, for messages."""
        version = f" version {self.change.version}" if self.change.version else ""
        when = self.time.isoformat(sep=" ", timespec="seconds")
        return f"entry {self.number}: {self.change.op}{version} by {self.actor}, {when}"


def signed(change: Change, last: Entry | None, author: Author, *, born: int) -> str:
    """Write a change as the text of a signed entry that names the last one read.

    Args:
        change: What is asked for.
        last: The last entry of the ledger, as its writer read it.
        author: Who signs.
        born: When MLflow made this ledger. An entry counts in no other: neither in
            another MLflow's of the same name, nor in one made in place of this.

    Raises:
        RefusedError: The reason is too long for MLflow.
    """
    if len(author.reason) > _REASON_LENGTH:
        raise RefusedError(f"the reason has more than {_REASON_LENGTH} characters")
    value = {
        "schema": SCHEMA,
        "op": change.op,
        "model": change.model,
        "alias": change.alias,
        "version": change.version,
        "subject": change.subject,
        "decision": change.decision,
        "evidence": dict(change.evidence),
        "expect_epoch": change.expect_epoch,
        "intent": change.intent,
        "seen": last.number if last else 0,
        "prev": last.digest if last else NOTHING,
        "born": born,
        "actor": author.signer.public.name,
        "time": author.now.isoformat(timespec="seconds"),
        "reason": author.reason,
        "audit": None if author.audit is None else dict(author.audit),
    }
    return sign(KIND, value, author.signer).decode("utf-8", "surrogatepass")


def read_entry(number: int, text: str, trusted: Mapping[str, PublicKey], where: str) -> Entry:
    """Read an entry, and believe it only where a trusted key signed it.

    Raises:
        AlteredError: It was changed, nobody trusted signed it, or it is no entry.
    """
    envelope = opened(text.encode("utf-8", "surrogatepass"), KIND, trusted, where=where)
    try:
        return _entry(number, envelope)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise AlteredError("what was signed is no promotion", where=where) from error


def _entry(number: int, envelope: Opened) -> Entry:
    said = envelope.value
    change = Change(
        op=said["op"],
        model=said["model"],
        alias=said["alias"],
        version=said["version"],
        subject=said["subject"],
        decision=said["decision"],
        expect_epoch=said["expect_epoch"],
        evidence=said["evidence"],
    )
    time = datetime.fromisoformat(said["time"])
    _check(said, change, time)
    return Entry(
        number=number,
        digest=envelope.digest,
        change=change,
        seen=said["seen"],
        prev=said["prev"],
        born=said["born"],
        actor=envelope.signer,
        key_id=envelope.key_id,
        time=time,
        reason=said["reason"],
        audit=said["audit"],
    )


def _check(said: Mapping[str, Any], change: Change, time: datetime) -> None:
    texts = ("model", "alias", "version", "subject", "decision", "prev", "reason", "actor")
    numbers = ("expect_epoch", "seen", "born")
    right = (
        said["schema"] == SCHEMA
        and change.op in get_args(Op)
        and all(type(said[name]) is str for name in texts)
        and all(type(said[name]) is int and said[name] >= 0 for name in numbers)
        and all(type(item) is str for pair in change.evidence.items() for item in pair)
        and said["intent"] == change.intent
        and time.tzinfo is not None
    )
    if not right:
        raise ValueError(said["schema"])


__all__ = ["Author", "Change", "Entry", "Op", "read_entry", "signed"]
