"""Every try of a model under a policy, written down before anything is generated.

Whoever tries again until the dice fall well has not passed. So a run's seed is
committed to `attempts.jsonl`, beside the run's folder, before its first output;
its verdict is added there; and a try of the same subject, policy and exam after
a fail is `inconclusive(unplanned_retry)` unless the policy planned it. Another
seed, or more samples of each prompt, is another try of the same exam. Running
the same plan again, or judging it again, is none: it has the same outputs.

The file is a chain of digests, so an entry cannot be changed or taken out. It
can be deleted whole, or a run made in another folder: what is recorded in
MLflow is what cannot be hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness import digests
from harness.engine.store import Store
from harness.ledger.journal import Journal
from harness.records import Attempt, Outcome

NAME, FACTS = "attempts.jsonl", "attempts.json"


def exam_of(manifest: Mapping[str, Any]) -> str:
    """Digest of what is asked and how it is read, without the seed and the sample size."""
    scorers = {name: item["fingerprint"] for name, item in manifest["scorers"].items()}
    return digests.of_json([manifest["exam"], scorers])


def commit(store: Store, manifest: Mapping[str, Any], seed: int) -> None:
    """Write a run's seed and plan down, before anything is generated. Once a plan."""
    journal = _journal(store)
    known = {(e["run_id"], e["plan"]) for e in journal.read() if e["event"] == "planned"}
    if (manifest["run_id"], manifest["plan"]) in known:
        return
    journal.add(
        [
            {
                "event": "planned", "run_id": manifest["run_id"], "plan": manifest["plan"],
                "exam": exam_of(manifest), "generator": name, "subject": subject, "seed": seed,
            }
            for name, subject in sorted(manifest["subjects"].items())
        ]
    )  # fmt: skip


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
    earlier = [_attempt(e) for e in _others(entries, manifest, policy)]
    kept = [a for a in before.get("earlier", {}).get(policy, []) if a not in earlier]
    every = {**before.get("earlier", {}), policy: [*kept, *earlier]}
    store.write_json(FACTS, {"committed": committed, "earlier": every})


def earlier(store: Store, policy: str) -> tuple[Attempt, ...]:
    """The tries that were noted by `look_up`."""
    return tuple(Attempt(**item) for item in _facts(store).get("earlier", {}).get(policy, []))


def committed(store: Store) -> bool:
    """Whether the run's seed was written down before it began."""
    return bool(_facts(store).get("committed"))


def decide(store: Store, policy: str, outcomes: Mapping[str, Outcome]) -> None:
    """Add a verdict to the journal, by generator; the same one is not added twice."""
    manifest = store.read_json("manifest.json")
    journal = _journal(store)
    known = journal.read()
    fresh = [
        {
            "event": "decided", "run_id": manifest["run_id"], "plan": manifest["plan"],
            "exam": exam_of(manifest), "generator": name, "policy": policy,
            "subject": manifest["subjects"][name], "outcome": outcome,
            "seed": store.read_json("suite.json")["seed"],
        }
        for name, outcome in sorted(outcomes.items())
    ]  # fmt: skip
    journal.add([entry for entry in fresh if not _said(entry, known)])


def _said(entry: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> bool:
    keys = ("plan", "generator", "policy")
    same = [e for e in known if e["event"] == "decided" and all(e[k] == entry[k] for k in keys)]
    return bool(same) and same[-1]["outcome"] == entry["outcome"]


def _others(
    entries: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any], policy: str
) -> list[Mapping[str, Any]]:
    """The last verdict of each other plan on one of these subjects, policy and exam."""
    exam, subjects = exam_of(manifest), set(manifest["subjects"].values())
    last = {
        (e["plan"], e["generator"]): e
        for e in entries
        if e["event"] == "decided"
        and e["plan"] != manifest["plan"]
        and (e["policy"], e["exam"]) == (policy, exam)
        and e["subject"] in subjects
    }
    return list(last.values())


def _attempt(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_id": entry["run_id"], "generator": entry["generator"], "seed": entry["seed"],
        "outcome": entry["outcome"], "entry": entry["hash"],
    }  # fmt: skip


def _facts(store: Store) -> dict[str, Any]:
    if not (store.root / FACTS).is_file():
        return {}
    return dict(store.read_json(FACTS))


def _journal(store: Store) -> Journal:
    return Journal(store.root.parent / NAME)
