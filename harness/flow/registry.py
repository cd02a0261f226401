"""What stands behind an alias, and what may be done to it besides promoting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.flow.author import asking
from harness.flow.baselines import CHAMPION
from harness.ledger import operations
from harness.ledger.changing import Promotion
from harness.ledger.entries import Entry
from harness.ledger.grounds import DIGESTS
from harness.ledger.keys import trusted
from harness.ledger.operations import Held
from harness.ledger.registered import check_alias
from harness.ledger.versions import status as versions


def status(model: str, frozen: Collection[str] | None = None) -> list[dict[str, Any]]:
    """List a model's versions, the newest first, with the aliases on each and those frozen.

    Args:
        model: Its name.
        frozen: Its frozen aliases, where the caller has read them.

    Raises:
        AlteredError: The ledger of one of its aliases was changed.
        RefusedError: No model has that name.
        TrackingError: MLflow cannot be reached.
    """
    if frozen is None:
        frozen = freezes(model)
    return [
        {
            "version": one.version,
            "aliases": list(one.aliases),
            "frozen": [alias for alias in one.aliases if alias in frozen],
            "run": one.run_id,
            "subject": one.subject_digest,
        }
        for one in versions(model)
    ]


def freezes(model: str) -> dict[str, str]:
    """Tell whose freeze holds, by the alias; an alias may be frozen that serves nothing yet.

    Raises:
        AlteredError: The ledger of one of the model's aliases was changed.
        TrackingError: MLflow cannot be reached.
    """
    return {
        alias: _frozen(entry) for alias, entry in operations.freezes(model, trusted()).items()
    }


def history(model: str, alias: str = CHAMPION) -> dict[str, Any]:
    """Tell every change of an alias: who made it, of what, on which evidence, and how to check.

    Returns:
        `serves`, the version or None; `frozen`, whose freeze holds, or None; `changes`
        in their order; and `passed_over`, entries that changed nothing, with the reason.

    Raises:
        AlteredError: The ledger was changed.
        RefusedError: No model has that name.
        TrackingError: MLflow cannot be reached.
    """
    state = operations.standing(model, alias, trusted())
    if not state.applied and not state.ignored:
        versions(model)  # a name that nobody registered is a mistake, not an empty past
    return {
        "model": model,
        "alias": alias,
        "serves": state.serving.change.version if state.serving else None,
        "frozen": _frozen(state.frozen) if state.frozen else None,
        "changes": _changes(state.applied),
        "passed_over": [_entry(e) | {"why": why} for e, why in state.ignored],
    }


def rollback(
    model: str, version: str, alias: str = CHAMPION, *, reason: str = ""
) -> dict[str, Any]:
    """Serve a version again that was promoted before.

    Raises:
        RefusedError: It never was, is no longer what it was, the alias is frozen, or no
            alias is called so.
        ConflictError: Someone else changed the alias first.
    """
    check_alias(alias)
    about = {"model": model, "alias": alias, "version": version}
    with asking("rollback", about, reason) as who:
        return _moved(operations.rollback(model, alias, version, who))


def freeze(model: str, alias: str = CHAMPION, *, reason: str = "") -> dict[str, Any]:
    """Let nothing change what the alias serves.

    Raises:
        RefusedError: No model, or no alias, is called so.
    """
    check_alias(alias)
    with asking("freeze", {"model": model, "alias": alias}, reason) as who:
        return _stands(model, alias, operations.freeze(model, alias, who))


def unfreeze(model: str, alias: str = CHAMPION, *, reason: str = "") -> dict[str, Any]:
    """Let the alias be changed again.

    Raises:
        RefusedError: No model, or no alias, is called so.
    """
    check_alias(alias)
    with asking("unfreeze", {"model": model, "alias": alias}, reason) as who:
        return _stands(model, alias, operations.unfreeze(model, alias, who))


def reconcile(model: str, alias: str = CHAMPION) -> dict[str, Any]:
    """Set the alias to what its ledger says, and tell what else does not agree with it.

    Raises:
        AlteredError: The ledger was changed, or the version it serves was deleted.
    """
    found = operations.reconcile(model, alias, trusted())
    agreed = "agreed already" if found.before == found.after else f"was {found.before}"
    serves = f"version {found.after}" if found.after else "nothing"
    return {
        "model": model,
        "alias": alias,
        "before": found.before,
        "after": found.after,
        "unnamed": list(found.unnamed),
        "said": f"{alias!r} of {model} serves {serves}; the alias {agreed}",
        "next": [f"no entry bears this out: {one}" for one in found.unnamed],
    }


def _moved(moved: Promotion) -> dict[str, Any]:
    before = f", from version {moved.previous}" if moved.previous else ""
    return {
        "model": moved.model,
        "alias": moved.alias,
        "version": moved.version,
        "previous": moved.previous,
        "epoch": moved.epoch,
        "said": f"{moved.alias!r} of {moved.model} serves version {moved.version}{before}",
    }


def _stands(model: str, alias: str, held: Held) -> dict[str, Any]:
    frozen = held.state.frozen
    said = (
        f"frozen{_already(held)}, {frozen.told}"
        if frozen
        else f"may be changed{_already(held)}"
    )
    return {
        "model": model,
        "alias": alias,
        "frozen": bool(frozen),
        "already": held.already,
        "said": f"{alias!r} of {model}: {said}",
    }


def _already(held: Held) -> str:
    return " already" if held.already else ""


def _frozen(freeze: Entry) -> str:
    return f"{freeze.told}: {freeze.reason}" if freeze.reason else freeze.told


def _changes(applied: Sequence[Entry]) -> list[dict[str, Any]]:
    """Each change, and which rules of a promotion were others than the last one's."""
    found: list[dict[str, Any]] = []
    last: Entry | None = None
    for epoch, entry in enumerate(applied, 1):
        told = {"epoch": epoch, "changed": []} | _entry(entry)
        if entry.change.op == "promote":
            told["changed"] = _rules_changed(last, entry)
            last = entry
        found.append(told)
    return found


def _rules_changed(last: Entry | None, entry: Entry) -> list[str]:
    """Derived from what both rest on, so that nobody has to be believed about it."""
    if last is None:
        return []
    before, now = last.change.evidence, entry.change.evidence
    return [rules for rules, name in DIGESTS.items() if before.get(name) != now.get(name)]


def _entry(entry: Entry) -> dict[str, Any]:
    change, evidence = entry.change, dict(entry.change.evidence)
    return {
        "entry": entry.number,
        "op": change.op,
        "version": change.version or None,
        "actor": entry.actor,
        "key_id": entry.key_id,
        "time": entry.time.isoformat(timespec="seconds"),
        "reason": entry.reason,
        "subject": change.subject or None,
        "decision": change.decision or None,
        "evidence": evidence,
        "check": _check(evidence, change.decision),
    }


def _check(evidence: Mapping[str, str], decision: str) -> str:
    """The command that checks what an entry rests on, for who has the run or its bundle.

    Where its folder lies nobody knows but him: the run's id is the name of no folder.
    """
    known = "run_id" in evidence
    return f"harness verify RUN-FOLDER --decision {decision[:16]}" if known else ""
