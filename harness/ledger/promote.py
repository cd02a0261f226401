"""Promote a model to an alias, because signed, sealed and recorded evidence says it may."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.errors import RefusedError
from harness.ledger.changing import Promotion, change_alias, refuse_frozen
from harness.ledger.connection import Server, connected
from harness.ledger.decision import Decision, read_decision
from harness.ledger.entries import Author, Change, Entry
from harness.ledger.evidence import Evidence, check_decision, check_subject
from harness.ledger.fold import State, fold
from harness.ledger.grounds import (
    Rules,
    check_pass,
    check_recorded,
    check_rules,
    check_signed,
    check_unchanged,
)
from harness.ledger.projection import project
from harness.ledger.promotions import Ledger, read
from harness.ledger.registered import aliases_of
from harness.ledger.seal import verify
from harness.ledger.versions import UPLOAD_SECONDS, differences, holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the caller knows: `changed` rules that are meant, and the epoch he compared at.

    With `epoch`, nothing is promoted if the alias was changed after the caller
    looked at what it served; without it, after this promotion began.
    """

    changed: frozenset[Rules] = frozenset()
    epoch: int | None = None


def promote(
    model: str,
    version: str,
    alias: str,
    evidence: Evidence,
    *,
    author: Author,
    terms: Terms | None = None,
) -> Promotion:
    """Let `alias` serve a registered version, if the evidence allows exactly that.

    Nothing stored is believed: the run's files are digested again and compared
    with the seal the caller trusts, with the one that was signed, and with all
    those in MLflow; the version's files are downloaded and digested again. Until
    all of it holds, nothing is written.

    Args:
        model: The registered model's name.
        version: Its version.
        alias: For example `champion`.
        evidence: The run as assessed just now, and what it evaluated.
        author: Who promotes, and whose signatures he believes.
        terms: What else the caller says.

    Raises:
        RefusedError: The verdict is not a fresh pass about this version by the rules in
            force, or the alias is frozen.
        ConflictError: Someone else changed the alias first.
        AlteredError: The run, its decision or the ledger was changed.
        TrackingError: MLflow cannot be reached.
    """
    terms = terms or Terms()
    with connected(seconds=UPLOAD_SECONDS) as server:
        decision, ledger = _checked(server, (model, version, alias), evidence, author, terms)
        state = fold(ledger.entries)
        if (same := _standing(state, version, decision)) is not None:
            project(server, model, alias, author.trusted)
            return replace(Promotion.of(state, same), already=True)
        change = Change(
            op="promote",
            model=model,
            alias=alias,
            version=version,
            subject=evidence.subject.digest,
            decision=decision.digest,
            expect_epoch=state.epoch if terms.epoch is None else terms.epoch,
            evidence=_named(evidence, decision),
        )
        return change_alias(server, ledger, change, author)


def rehearse(
    model: str,
    alias: str,
    evidence: Evidence,
    *,
    author: Author,
    terms: Terms | None = None,
) -> tuple[str | None, State]:
    """Check all that `promote` would, and write nothing.

    Args:
        model: The registered model's name; it may be one that is still to be made.
        alias: For example `champion`.
        evidence: The run as assessed just now, and what it evaluated.
        author: Who would promote, and whose signatures he believes.
        terms: What else the caller says.

    Returns:
        The version that holds the subject already, or None; and what the ledger comes to.

    Raises:
        RefusedError: As `promote` does, and so for the other kinds.
    """
    with connected(seconds=UPLOAD_SECONDS) as server:
        version = holding(server, model, evidence.subject)
        place = (model, version, alias)
        _, ledger = _checked(server, place, evidence, author, terms or Terms())
    return version, fold(ledger.entries)


def _checked(
    server: Server,
    place: tuple[str, str | None, str],
    evidence: Evidence,
    author: Author,
    terms: Terms,
) -> tuple[Decision, Ledger]:
    """All that has to hold before an entry is written; the version's files where it has one."""
    model, version, alias = place
    run, root, subject = evidence.run, evidence.root, evidence.subject
    check_pass(run.outcome, run.run_id)
    top = verify(root, evidence.expected_seal)
    check_decision(run, root)
    check_subject(run, root, subject)
    decision = read_decision(root, author.trusted)
    check_signed(decision, evidence, author.now)
    check_recorded(server, evidence, top)
    check_unchanged(server, evidence)
    if version is not None:
        aliases_of(server, model)
        if other := differences(server, model, version, subject.digest):
            raise RefusedError(
                f"version {version} of {model!r} is not the model that was evaluated",
                where=", ".join(other),
                fix="register the evaluated folder, and promote that version",
            )
    ledger = read(server, model, alias, author.trusted)
    state = fold(ledger.entries)
    refuse_frozen(state)
    check_rules(decision, state.promoted, terms.changed)
    return decision, ledger


def _standing(state: State, version: str, decision: Decision) -> Entry | None:
    """The entry served now, where it is of this version and on this very decision already."""
    serving, asked = state.serving, (version, decision.digest)
    if serving and (serving.change.version, serving.change.decision) == asked:
        return serving
    return None


def _named(evidence: Evidence, decision: Decision) -> dict[str, str]:
    """What an entry says of its evidence."""
    known = {
        "run_id": decision.run_id,
        "mlflow_run": evidence.recorded.parent,
        "seal": decision.seal,
        "generator": evidence.subject.name,
        "policy": decision.policy["name"],
        "policy_sha256": decision.policy["sha256"],
        "suite": decision.suite["name"],
        "suite_sha256": decision.suite["sha256"],
        "exam_sha256": decision.suite["exam"],
    }
    return {name: str(value) for name, value in known.items() if value is not None}


__all__ = ["Promotion", "Terms", "promote", "rehearse"]
