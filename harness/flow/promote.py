"""Register what a run evaluated, and move an alias to it only if the verdict is PASS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.engine.store import Store
from harness.errors import RefusedError, WaiverError
from harness.flow import attempts
from harness.flow.author import asking
from harness.flow.baselines import CHAMPION, asked_for, champion_seal
from harness.flow.bind import bind
from harness.flow.rules import own_policy, stored_waivers
from harness.flow.subjects import described
from harness.ledger.changing import Promotion
from harness.ledger.entries import Author
from harness.ledger.evidence import Evidence
from harness.ledger.grounds import Rules, check_pass
from harness.ledger.keys import signer, trusted
from harness.ledger.operations import standing
from harness.ledger.promote import Terms
from harness.ledger.promote import promote as move
from harness.ledger.promote import rehearse as look
from harness.ledger.registered import check_alias
from harness.ledger.seal import verify
from harness.ledger.subject import Subject, subject_of
from harness.ledger.tracking import recall
from harness.ledger.versions import register
from harness.records import RunView
from harness.spec.load import digest
from harness.spec.suite import SuiteSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a promotion is meant.

    `generator` may be left out where the run has one. `changed` names the rules that may
    be others than the last promotion's, which needs a reason. `reason` is kept in the ledger.
    """

    generator: str | None = None
    changed: frozenset[Rules] = frozenset()
    reason: str = ""


def promote(
    view: RunView, folder: Path, model: str, alias: str, asked: Asked | None = None
) -> dict[str, Any]:
    """Register the evaluated model, and set `alias` on it when the run passed.

    The model is registered whatever the verdict, so that what was refused is
    known by its digest too.

    Args:
        view: The run, assessed just now.
        folder: The run's folder; the run must be recorded in MLflow.
        model: Registered model.
        alias: The alias to move.
        asked: How it is meant.

    Raises:
        RefusedError: The run is not recorded as it is now, it is not clear which
            generator is meant, the rules in force are others, or no alias is called so.
        ConflictError: Someone else changed the alias first.
        AlteredError: The run or the model is not what was evaluated.
        TrackingError: MLflow cannot be reached.
    """
    asked = asked or Asked()
    check_meant(alias, asked)
    evidence, weights = _evidence(view, folder, asked.generator)
    subject, recorded = evidence.subject, evidence.recorded
    version = register(subject, recorded, model, folder=weights)
    result: dict[str, Any] = {
        "model": model, "version": version, "alias": alias, "moved": False,
        "next": list(_elsewhere(folder)),
    }  # fmt: skip
    if view.outcome != "pass":
        outcome = (view.outcome or "not judged").upper()
        said = f"{model} version {version} registered; {alias!r} does not move: {outcome}"
        return result | {"said": said}
    epoch = _check_champion(folder, evidence.expected_seal, model, alias)
    _check_waivers(folder)
    terms = Terms(changed=asked.changed, epoch=epoch)
    with asking("promote", _about(evidence, model, alias, version), asked.reason) as who:
        moved = move(model, version, alias, evidence, author=who, terms=terms)
    return result | {
        "moved": True, "already": moved.already, "previous": moved.previous,
        "epoch": moved.epoch, "said": f"{alias!r} of {model} {_became(moved)}",
    }  # fmt: skip


def rehearse(
    view: RunView, folder: Path, model: str, alias: str, asked: Asked | None = None
) -> dict[str, Any]:
    """Check all that `promote` would, write nothing, and say what would become of it.

    Args:
        view: The run, assessed just now.
        folder: The run's folder; the run must be recorded in MLflow.
        model: Registered model.
        alias: The alias that would move.
        asked: How it is meant.

    Raises:
        RefusedError: As `promote` does, and so for the other kinds.
    """
    asked = asked or Asked()
    check_meant(alias, asked)
    evidence, _ = _evidence(view, folder, asked.generator)
    check_pass(view.outcome, view.run_id)
    epoch = _check_champion(folder, evidence.expected_seal, model, alias)
    _check_waivers(folder)
    who = Author(signer=signer(), trusted=trusted(), now=datetime.now(UTC))
    terms = Terms(changed=asked.changed, epoch=epoch)
    version, state = look(model, alias, evidence, author=who, terms=terms)
    serves = f"version {state.serving.change.version}" if state.serving else "nothing"
    target = f"version {version}" if version else "a new version"
    why = f"{view.run_id} is PASS under policy {_policy_name(view)}"
    return {
        "model": model, "version": version, "alias": alias, "moved": False,
        "serves": state.serving.change.version if state.serving else None,
        "said": f"would let {alias!r} of {model} serve {target}; now it serves {serves}",
        "next": [f"because {why}", "nothing was written"],
    }  # fmt: skip


def check_meant(alias: str, asked: Asked) -> None:
    """Refuse at once what no run could make good.

    Args:
        alias: The alias that would move.
        asked: How the promotion is meant.

    Raises:
        RefusedError: No alias is called so, or other rules are meant and no reason is given.
    """
    check_alias(alias)
    if asked.changed and not asked.reason.strip():
        raise RefusedError(
            "other rules than the last promotion's need a reason",
            where=f"--changed {', '.join(sorted(asked.changed))}",
            fix="say why, and the ledger keeps it: --reason",
        )


def _became(moved: Promotion) -> str:
    if moved.already:
        return f"is version {moved.version} already"
    if moved.previous == moved.version:
        return f"stays version {moved.version}, now on this decision"
    before = f", from version {moved.previous}" if moved.previous else ""
    return f"is now version {moved.version}{before}"


def _policy_name(view: RunView) -> str:
    about = (view.policy or {}).get("metadata", {})
    return " ".join(filter(None, (about.get("name"), about.get("version"))))


def _about(evidence: Evidence, model: str, alias: str, version: str) -> dict[str, str]:
    return {
        "model": model, "alias": alias, "version": version, "run": evidence.run.run_id,
        "seal": evidence.expected_seal, "subject": evidence.subject.digest,
    }  # fmt: skip


def _evidence(
    view: RunView, folder: Path, generator: str | None
) -> tuple[Evidence, Path | None]:
    """What a promotion rests on, and where the model's files lie."""
    sealed = verify(folder)
    subject, weights = _subject(folder, generator)
    recorded = recall(folder)
    if recorded.seal != sealed:
        raise RefusedError(
            "the run was judged again since it was recorded",
            where=f"{folder}: the seal is {sealed[:12]}, recorded is {recorded.seal[:12]}",
            fix=f"harness record {folder}",
        )
    found = Evidence(
        run=view, root=folder, subject=subject, recorded=recorded, expected_seal=sealed
    )
    return found, weights


def _elsewhere(folder: Path) -> tuple[str, ...]:
    """What the same model came to under other policies, where that was no pass."""
    store = Store(folder)
    policy = own_policy(store)
    return attempts.elsewhere(store, digest(policy)) if policy else ()


def _check_champion(folder: Path, sealed: str, model: str, alias: str) -> int | None:
    """Refuse where the run was compared with another champion than is served now.

    Returns:
        The alias's epoch where the policy compares: the promotion counts only at that.
    """
    store = Store(folder)
    policy = own_policy(store)
    if policy is None or CHAMPION not in asked_for(policy):
        return None
    state = standing(model, alias, trusted())
    served = state.serving.change.evidence["seal"] if state.serving else None
    compared = champion_seal(store)
    if served not in (compared, sealed):
        raise RefusedError(
            f"the run was not compared with what {alias!r} of {model!r} serves now",
            where=f"compared with {compared or 'nothing'}, served is {served or 'nothing'}",
            fix=f"harness judge {folder} --champion RUN, then record and promote it again",
        )
    return state.epoch


def _check_waivers(folder: Path) -> None:
    """Refuse where a waiver that the pass may rest on has run out since it was judged."""
    today = datetime.now(UTC).date()
    for waiver in stored_waivers(Store(folder)):
        if today > waiver.expires:
            raise WaiverError(
                f"waiver {waiver.id!r} expired on {waiver.expires}",
                where=str(folder),
                fix=f"harness judge {folder} --policy POLICY, without it",
            )


def _subject(folder: Path, generator: str | None) -> tuple[Subject, Path | None]:
    store = Store(folder)
    manifest = store.read_json("manifest.json")
    suite = SuiteSpec.model_validate(store.read_json("suite.json"), strict=False)
    names = [spec.name for spec in suite.generators]
    if generator is None and len(names) > 1:
        raise RefusedError(
            f"the run has {len(names)} generators",
            where=", ".join(names),
            fix="say --generator",
        )
    wanted = generator or names[0]
    if wanted not in names:
        raise RefusedError(f"the run has no generator {wanted!r}", where=", ".join(names))
    spec = next(spec for spec in suite.generators if spec.name == wanted)
    identity = next(a["identity"] for a in manifest["arms"] if a["generator"] == wanted)
    base = Path(store.read_json("local.json")["base"])
    place = bind("generators", spec, base).plugin.folder
    strategies = {item.name: dict(item.params) for item in suite.strategies}
    return subject_of(wanted, described(identity, strategies, place)), place
