"""Register what a run evaluated, and move an alias to it only if the verdict is PASS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.engine.store import Store
from harness.errors import RefusedError, WaiverError
from harness.flow import attempts
from harness.flow.baselines import CHAMPION, asked_for, champion_seal
from harness.flow.bind import bind
from harness.flow.rules import own_policy, stored_waivers
from harness.flow.subjects import described
from harness.ledger.entries import Author
from harness.ledger.evidence import Evidence
from harness.ledger.keys import signer, trusted
from harness.ledger.promote import promote as move
from harness.ledger.seal import verify
from harness.ledger.subject import Subject, subject_of
from harness.ledger.tracking import recall
from harness.ledger.versions import register, served_seal
from harness.records import RunView
from harness.spec.load import digest
from harness.spec.suite import SuiteSpec


def promote(
    view: RunView, folder: Path, model: str, alias: str, *, generator: str | None = None
) -> dict[str, Any]:
    """Register the evaluated model, and set `alias` on it when the run passed.

    The model is registered whatever the verdict, so that what was refused is
    known by its digest too.

    Args:
        view: The run, assessed just now.
        folder: The run's folder; the run must be recorded in MLflow.
        model: Registered model.
        alias: The alias to move.
        generator: Which generator of the run; may be left out where there is one.

    Raises:
        RefusedError: The run is not recorded as it is now, or it is not clear which
            generator is meant.
        AlteredError: The run or the model is not what was evaluated.
        TrackingError: MLflow cannot be reached.
    """
    sealed = verify(folder)
    subject, weights = _subject(folder, generator)
    recorded = recall(folder)
    if recorded.seal != sealed:
        raise RefusedError(
            "the run was judged again since it was recorded",
            where=f"{folder}: the seal is {sealed[:12]}, recorded is {recorded.seal[:12]}",
            fix=f"harness record {folder}",
        )
    version = register(subject, recorded, model, folder=weights)
    result: dict[str, Any] = {
        "model": model, "version": version, "alias": alias, "moved": False,
        "next": list(_elsewhere(folder)),
    }  # fmt: skip
    if view.outcome != "pass":
        outcome = (view.outcome or "not judged").upper()
        said = f"{model} version {version} registered; {alias!r} does not move: {outcome}"
        return result | {"said": said}
    _check_champion(folder, sealed, model, alias)
    _check_waivers(folder)
    evidence = Evidence(
        run=view, root=folder, subject=subject, recorded=recorded, expected_seal=sealed
    )
    author = Author(signer=signer(), trusted=trusted(), now=datetime.now(UTC))
    moved = move(model, version, alias, evidence, author=author)
    before = f", from version {moved.previous}" if moved.previous not in (None, version) else ""
    said = f"{alias!r} of {model} is now version {version}{before}"
    return result | {"moved": True, "previous": moved.previous, "said": said}


def _elsewhere(folder: Path) -> tuple[str, ...]:
    """What the same model came to under other policies, where that was no pass."""
    store = Store(folder)
    policy = own_policy(store)
    return attempts.elsewhere(store, digest(policy)) if policy else ()


def _check_champion(folder: Path, sealed: str, model: str, alias: str) -> None:
    """Refuse where the run was compared with another champion than is served now."""
    store = Store(folder)
    policy = own_policy(store)
    if policy is None or CHAMPION not in asked_for(policy):
        return
    served, compared = served_seal(model, alias), champion_seal(store)
    if served not in (compared, sealed):
        raise RefusedError(
            f"the run was not compared with what {alias!r} of {model!r} serves now",
            where=f"compared with {compared or 'nothing'}, served is {served or 'nothing'}",
            fix=f"harness judge {folder} --champion RUN, then record and promote it again",
        )


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
