"""What a run is judged by: read from files, and kept in the run's folder from then on."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from harness import digests, durable
from harness.engine.store import Store
from harness.errors import SpecError
from harness.flow import attempts, baselines, documents
from harness.flow.waive import check
from harness.ledger.seal import verify
from harness.spec.extend import load_policy
from harness.spec.load import digest
from harness.spec.policy import PolicySpec
from harness.spec.waiver import Waiver, load_waivers

_WAIVERS, _POLICY = "waivers.json", "policy.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a run is judged by: the policy and where it lies, waivers, the champion, the day."""

    policy: PolicySpec
    base: Path
    waivers: tuple[Waiver, ...] = ()
    champion: baselines.Champion = None
    today: date

    @classmethod
    def read(
        cls,
        policy: Path,
        *,
        waivers: Path | None = None,
        champion: baselines.Champion = None,
        today: date | None = None,
    ) -> Rules:
        """Read the files.

        Raises:
            SpecError: The policy does not fit.
            WaiverError: The waivers do not, or one is not in force.
        """
        rules, day = _as_stored(load_policy(policy)), today or datetime.now(UTC).date()
        excused = load_waivers(waivers).waivers if waivers else ()
        check(excused, rules, day)
        return cls(
            policy=rules, base=policy.parent, waivers=excused, champion=champion, today=day
        )


def _as_stored(policy: PolicySpec) -> PolicySpec:
    """The policy with its mappings in the order in which they are stored, as verified later."""
    return PolicySpec.model_validate_json(digests.canonical(policy.model_dump(mode="json")))


def prepare(store: Store, rules: Rules) -> None:
    """Bring all that the rules speak of into the run's folder."""
    baselines.bring(store, rules.policy, rules.champion)
    documents.bring(store, rules.policy, rules.base)
    attempts.look_up(store, digest(rules.policy))
    if rules.waivers:
        items = [waiver.model_dump(mode="json") for waiver in rules.waivers]
        store.write_json(_WAIVERS, items)
    else:
        durable.remove(store.root / _WAIVERS)


def copied(folder: Path, out: Path) -> Path:
    """Copy a run, so that the copy is judged and what rests on the run stays as it is.

    Raises:
        AlteredError: There is no run there, or it was changed.
        SpecError: Something is there already, or it lies in the run itself.
    """
    verify(folder)
    if out.exists():
        raise SpecError("there is something already", where=str(out), fix="name a new folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise SpecError("a run holds no copy of itself", where=str(out), fix="name another")
    shutil.copytree(folder, out, ignore=shutil.ignore_patterns("record.json", ".lock"))
    return out


def fate_of_waivers(folder: Path, policy: Path | None, waivers: Path | None) -> str:
    """Say what becomes of the waivers a run was last judged with; empty where it has none."""
    held = len(stored_waivers(Store(folder)))
    if not held:
        return ""
    if waivers:
        return f"{held} of the run replaced by those given"
    if policy:
        return f"{held} of the run dropped: a policy was named, without --waivers"
    return f"{held} of the run kept"


def own_policy(store: Store) -> PolicySpec | None:
    """The policy a run was last judged by, as it was stored."""
    if not (store.root / _POLICY).is_file():
        return None
    return PolicySpec.model_validate_json((store.root / _POLICY).read_bytes())


def stored_waivers(store: Store) -> tuple[Waiver, ...]:
    """The waivers a run was last judged with."""
    if not (store.root / _WAIVERS).is_file():
        return ()
    items = store.read_json(_WAIVERS)
    return tuple(Waiver.model_validate_json(json.dumps(item)) for item in items)


def own_rules(
    store: Store, waivers: Path | None, champion: baselines.Champion, today: date | None
) -> Rules | None:
    """The rules a run was last judged by; None where it was not. Waivers replace its own."""
    policy = own_policy(store)
    if policy is None:
        return None
    granted = load_waivers(waivers).waivers if waivers else stored_waivers(store)
    base = Path(store.read_json("local.json").get("policy_base", "."))
    day = today or datetime.now(UTC).date()
    check(granted, policy, day)
    return Rules(policy=policy, base=base, waivers=granted, champion=champion, today=day)
