"""Ledgers to promote to: entries made without MLflow, and models that passed within it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.ledger.changing import Promotion
from harness.ledger.entries import NOTHING, Change, Entry, Op
from harness.ledger.evidence import Evidence
from harness.ledger.promote import Terms, promote
from harness.ledger.versions import register
from harness.records import Outcome
from tests.ledger.sealed_runs import author, evidence, make, write_model

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def entry(
    number: int, op: Op = "promote", version: str = "1", epoch: int | None = None
) -> Entry:
    """Give an entry as it would be read; the epoch it expects is its place where left out."""
    change = Change(
        op=op,
        model="m",
        alias="champion",
        version=version,
        subject=f"subject of {version}",
        decision=f"decision on {version}",
        expect_epoch=number - 1 if epoch is None else epoch,
    )
    return Entry(
        number=number, digest=f"{number:064}", change=change, seen=0, prev=NOTHING, born=1,
        actor="ann", key_id="k", time=NOON, reason="", audit=None,
    )  # fmt: skip


@dataclass(frozen=True)
class Passed:
    """A registered version of `m`, and the run that it passed in."""

    version: str
    found: Evidence

    def promote(self, alias: str = "champion", **terms: Any) -> Promotion:
        how = Terms(**terms)
        return promote("m", self.version, alias, self.found, author=author(), terms=how)


def passed(folder: Path, content: bytes, outcome: Outcome = "pass", model: str = "m") -> Passed:
    """Make a model of these bytes, evaluate, sign, record and register it."""
    weights = write_model(folder / "model", content)
    found = evidence(*make(folder / "run", weights, outcome), weights)
    return Passed(register(found.subject, found.recorded, model, folder=weights), found)
