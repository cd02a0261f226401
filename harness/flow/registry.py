"""What stands behind an alias, and what may be done to it besides promoting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.flow.author import author
from harness.flow.baselines import CHAMPION
from harness.ledger import operations
from harness.ledger.changing import Promotion
from harness.ledger.entries import Entry
from harness.ledger.fold import State
from harness.ledger.keys import trusted
from harness.ledger.registered import check_alias
from harness.ledger.versions import status as versions


def status(model: str) -> list[dict[str, Any]]:
    """List a model's versions, the newest first, with the aliases on each.

    Raises:
        RefusedError: No model has that name.
        TrackingError: MLflow cannot be reached.
    """
    return [
        {
            "version": one.version,
            "aliases": list(one.aliases),
            "run": one.run_id,
            "subject": one.subject_digest,
        }
        for one in versions(model)
    ]


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
        "frozen": state.frozen.told if state.frozen else None,
        "changes": [_change(n, e) for n, e in enumerate(state.applied, 1)],
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
    who = author("rollback", {"model": model, "alias": alias, "version": version}, reason)
    moved = operations.rollback(model, alias, version, who)
    return _moved(moved)


def freeze(model: str, alias: str = CHAMPION, *, reason: str = "") -> dict[str, Any]:
    """Let nothing change what the alias serves.

    Raises:
        RefusedError: No model, or no alias, is called so.
    """
    check_alias(alias)
    who = author("freeze", {"model": model, "alias": alias}, reason)
    return _stands(model, alias, operations.freeze(model, alias, who))


def unfreeze(model: str, alias: str = CHAMPION, *, reason: str = "") -> dict[str, Any]:
    """Let the alias be changed again.

    Raises:
        RefusedError: No model, or no alias, is called so.
    """
    check_alias(alias)
    who = author("unfreeze", {"model": model, "alias": alias}, reason)
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


def _stands(model: str, alias: str, state: State) -> dict[str, Any]:
    said = state.frozen.told if state.frozen else "may be changed"
    return {
        "model": model,
        "alias": alias,
        "frozen": bool(state.frozen),
        "said": f"{alias!r} of {model}: {said}",
    }


def _change(epoch: int, entry: Entry) -> dict[str, Any]:
    return {"epoch": epoch} | _entry(entry)


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
    """The command that checks what an entry rests on, for who has the run or its bundle."""
    run = evidence.get("run_id")
    return f"harness verify {run} --decision {decision[:16]}" if run else ""
