"""Every try of a model under a policy, written down before anything is generated.

Whoever tries again until the dice fall well has not passed. So a run's seed is
committed to `attempts.jsonl`, beside the run's folder, before its first output;
its verdict is added there; and a try of the same subject, policy and exam after
a fail is `inconclusive(unplanned_retry)` unless the policy planned it. The subject
is a model under one way of sampling, whatever the suite calls it; the exam is the
prompts. Another seed, more samples of each prompt, or another scorer is another
try. Running the same plan again, or judging it again, is none: it has the same
outputs. But a verdict that is no pass, under another policy, is told wherever the
same subject is judged. Of several verdicts of one plan under one policy the worst
counts: a waiver or a signature that came later takes no fail back.

The file is a chain of digests, so an entry cannot be changed or taken out. It
can be deleted whole, or a run made in another folder: what is recorded in
MLflow is what cannot be hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from harness.engine.store import Store
from harness.ledger.journal import Journal
from harness.records import Attempt, Verdict
from harness.spec.load import digest
from harness.spec.policy import PolicySpec

NAME, FACTS = "attempts.jsonl", "attempts.json"
_WORSE = ("pass", "inconclusive", "fail")
_TOLD = ("generator", "strategy", "outcome", "policy_name", "day", "run_id")


def commit(store: Store, manifest: Mapping[str, Any], seed: int) -> None:
    """Write a run's seed and plan down, before anything is generated. Once a plan."""
    journal = _journal(store)
    known = {(e["run_id"], e["plan"]) for e in journal.read() if e["event"] == "planned"}
    if (manifest["run_id"], manifest["plan"]) in known:
        return
    journal.add([_about(manifest, arm, seed) | {"event": "planned"} for arm in _arms(manifest)])


def look_up(store: Store, policy: str) -> None:
    """Note in the run's folder whether it was committed, and what was tried before it.

    Args:
        store: The run.
        policy: The digest of the policy it is judged by.
    """
    manifest = store.read_json("manifest.json")
    entries = _journal(store).read()
    own = [e for e in entries if e["event"] == "planned" and e["plan"] == manifest["plan"]]
    before = _facts(store)
    committed = own[0]["hash"] if own else before.get("committed")
    same = _of_the_subjects(entries, manifest)
    tries = [e for e in same if e["policy"] == policy and e["plan"] != manifest["plan"]]
    other = [e for e in same if e["policy"] != policy and e["outcome"] != "pass"]
    store.write_json(
        FACTS,
        {
            "committed": committed,
            "earlier": _kept(before, "earlier", policy, [_attempt(e) for e in tries]),
            "elsewhere": _kept(before, "elsewhere", policy, [_told(e) for e in other]),
        },
    )


def earlier(store: Store, policy: str) -> tuple[Attempt, ...]:
    """The tries under this policy that were noted by `look_up`."""
    return tuple(Attempt(**item) for item in _facts(store).get("earlier", {}).get(policy, []))


def elsewhere(store: Store, policy: str) -> tuple[str, ...]:
    """Say what the same subjects came to under other policies, where that was no pass."""
    arms: dict[tuple[str, ...], list[str]] = {}
    for one in _facts(store).get("elsewhere", {}).get(policy, []):
        verdict = tuple(one[key] for key in _TOLD[2:])
        arms.setdefault(verdict, []).append(f"{one['generator']}/{one['strategy']}")
    return tuple(_sentence(names, *verdict) for verdict, names in arms.items())


def subject_of_arm(manifest: Mapping[str, Any], arm: Mapping[str, Any]) -> str:
    """What an arm is known by; for a run from before arms had one, its generator's digest."""
    return str(arm.get("subject") or manifest["subjects"][arm["generator"]])


def committed(store: Store) -> bool:
    """Whether the run's seed was written down before it began."""
    return bool(_facts(store).get("committed"))


def decided(store: Store) -> bool:
    """Whether the journal holds a verdict on the run in this folder."""
    if not (store.root / "manifest.json").is_file():
        return False
    manifest = store.read_json("manifest.json")
    mine = (str(store.root.name), manifest["plan"])
    return any(
        (e.get("folder"), e["plan"]) == mine
        for e in _journal(store).read()
        if e["event"] == "decided"
    )


def decide(store: Store, policy: PolicySpec, verdicts: Sequence[Verdict], today: date) -> None:
    """Add each arm's verdict to the journal; the same one is not added twice."""
    manifest = store.read_json("manifest.json")
    seed = store.read_json("suite.json")["seed"]
    outcomes = {(v.generator, v.strategy): v.outcome for v in verdicts}
    about = {
        "event": "decided",
        "folder": store.root.name,
        "policy": digest(policy),
        "policy_name": f"{policy.metadata.name} {policy.metadata.version or ''}".strip(),
        "day": today.isoformat(),
    }
    journal = _journal(store)
    known = journal.read()
    fresh = [
        _about(manifest, arm, seed)
        | about
        | {"outcome": outcomes[arm["generator"], arm["strategy"]]}
        for arm in _arms(manifest)
        if (arm["generator"], arm["strategy"]) in outcomes
    ]
    journal.add([entry for entry in fresh if not _said(entry, known)])


def _arms(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(manifest["arms"], key=lambda arm: (arm["generator"], arm["strategy"]))


def _about(manifest: Mapping[str, Any], arm: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {
        "run_id": manifest["run_id"], "plan": manifest["plan"], "exam": manifest["exam"],
        "generator": arm["generator"], "strategy": arm["strategy"],
        "subject": subject_of_arm(manifest, arm), "seed": seed,
    }  # fmt: skip


def _said(entry: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> bool:
    keys = ("plan", "generator", "strategy", "policy", "folder")
    same = [
        e for e in known if e["event"] == "decided" and all(e.get(k) == entry[k] for k in keys)
    ]
    return bool(same) and same[-1]["outcome"] == entry["outcome"]


def _of_the_subjects(
    entries: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The worst verdict of each plan and policy on one of these subjects, at the same exam."""
    subjects = {subject_of_arm(manifest, arm) for arm in manifest["arms"]}
    worst: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for entry in entries:
        if entry["event"] != "decided" or entry["exam"] != manifest["exam"]:
            continue
        key = tuple(str(entry[name]) for name in ("plan", "policy", "subject"))
        if entry["subject"] in subjects and _worse(entry, worst.get(key)):
            worst[key] = entry
    return list(worst.values())


def _worse(entry: Mapping[str, Any], than: Mapping[str, Any] | None) -> bool:
    return than is None or _WORSE.index(entry["outcome"]) > _WORSE.index(than["outcome"])


def _kept(
    before: Mapping[str, Any], what: str, policy: str, found: Sequence[Any]
) -> dict[str, Any]:
    """Add to what was noted already: a journal that is gone takes nothing back."""
    noted = dict(before.get(what, {}))
    old = [item for item in noted.get(policy, []) if item not in found]
    return {**noted, policy: [*old, *found]}


def _attempt(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_id": entry["run_id"], "generator": entry["generator"], "seed": entry["seed"],
        "outcome": entry["outcome"], "entry": entry["hash"],
        "strategy": entry.get("strategy", ""), "subject": entry["subject"],
    }  # fmt: skip


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in _TOLD}


def _sentence(arms: Sequence[str], outcome: str, policy: str, day: str, run: str) -> str:
    verb = "was" if len(arms) == 1 else "were"
    return (
        f"{', '.join(arms)} {verb} {outcome.upper()} under policy {policy} on {day} (run {run})"
    )


def _facts(store: Store) -> dict[str, Any]:
    if not (store.root / FACTS).is_file():
        return {}
    return dict(store.read_json(FACTS))


def _journal(store: Store) -> Journal:
    return Journal(store.root.parent / NAME)
