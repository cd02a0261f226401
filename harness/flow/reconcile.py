"""Each item once: every planned case has one answer, and every answer one score a scorer.

All ids are made again from what they stand for, so that a row that was moved, doubled,
renamed or left out is found, and named.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness import digests
from harness.engine import identity
from harness.engine.store import Store
from harness.errors import AlteredError

_CASE = (
    "case_id", "generator", "strategy", "params", "prompt_id", "prompt", "system",
    "reference", "tags", "repeat", "seed",
)  # fmt: skip
_OUTPUT = ("output_id", "case_id", "batch_id", "fingerprint", "status")
_SCORE = ("score_id", "output_id", "case_id", "batch_id", "fingerprint", "status")


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many there are: planned cases, answers that failed, and scores that failed."""

    cases: int
    failed_outputs: int
    scores: int
    failed_scores: int


def reconcile(store: Store) -> Reconciled:
    """Hold a finished run's tables against its suite and against each other.

    Raises:
        AlteredError: A row is missing, doubled, or is not what its name says.
    """
    manifest, suite = store.read_json("manifest.json"), store.read_json("suite.json")
    arms = {(arm["generator"], arm["strategy"]): arm for arm in manifest["arms"]}
    cases = _cases(store, suite, arms)
    _check_counts(manifest, cases)
    outputs = _outputs(store, arms, cases)
    scores = [
        status
        for name, scorer in manifest["scorers"].items()
        for status in _scores(store, name, scorer["fingerprint"], outputs)
    ]
    statuses = [output["status"] for output in outputs.values()]
    return Reconciled(
        cases=len(cases),
        failed_outputs=sum(status != "ok" for status in statuses),
        scores=len(scores),
        failed_scores=sum(status != "ok" for status in scores),
    )


def _cases(
    store: Store, suite: Mapping[str, Any], arms: Mapping[tuple[str, str], Any]
) -> dict[str, tuple[str, str]]:
    """Every planned case with its arm, its ids made again."""
    params = {s["name"]: s.get("params") or {} for s in suite["strategies"]}
    found: dict[str, tuple[str, str]] = {}
    for row in _rows(store, "cases", _CASE):
        arm, where = (row["generator"], row["strategy"]), f"case {row['case_id']}"
        if arm not in arms or json.loads(row["params"]) != params.get(arm[1]):
            raise AlteredError("a case is of no arm of the suite", where=where)
        wanted = _case_ids(row, suite["seed"], params[arm[1]])
        if {name: row[name] for name in wanted} != wanted:
            raise AlteredError("a case is not what its id says", where=where)
        if row["case_id"] in found:
            raise AlteredError("a case is planned twice", where=where)
        found[row["case_id"]] = arm
    return found


def _case_ids(
    row: Mapping[str, Any], seed: int, params: Mapping[str, Any]
) -> dict[str, str | int]:
    prompt = digests.of_json(
        {
            "text": row["prompt"], "system": row["system"], "reference": row["reference"],
            "tags": dict(row["tags"] or ()),
        }
    )  # fmt: skip
    prefix = identity.arm_prefix(row["generator"], row["strategy"], params)
    return {
        "prompt_id": prompt,
        "case_id": identity.case_id(prefix, prompt, row["repeat"], seed),
        "seed": identity.case_seed(seed, prompt, row["repeat"]),
    }


def _check_counts(manifest: Mapping[str, Any], cases: Mapping[str, tuple[str, str]]) -> None:
    """Each arm is asked as much as was planned, if no gate stopped it before."""
    counts = Counter(cases.values())
    sequential = bool(manifest.get("looks"))
    if not sequential and (len(cases) != manifest["cases"] or len(set(counts.values())) > 1):
        told = ", ".join(f"{g}/{s}: {n}" for (g, s), n in sorted(counts.items()))
        raise AlteredError(
            f"{manifest['cases']} cases were planned, and {len(cases)} are there", where=told
        )


def _outputs(
    store: Store, arms: Mapping[tuple[str, str], Any], cases: Mapping[str, tuple[str, str]]
) -> dict[str, dict[str, Any]]:
    """The last answer to each case, by its id; an earlier one may only have failed."""
    found: dict[str, dict[str, Any]] = {}
    for row in _rows(store, "outputs", _OUTPUT):
        where, arm = f"output {row['output_id']}", cases.get(row["case_id"])
        if arm is None or row["fingerprint"] != arms[arm]["fingerprint"]:
            continue  # of an earlier plan or model, which nothing here rests on
        if row["output_id"] != identity.output_id(row["case_id"], row["fingerprint"]):
            raise AlteredError("an output is not what its id says", where=where)
        if row["output_id"] in found and found[row["output_id"]]["status"] != "error":
            raise AlteredError("a case was answered twice", where=where)
        found[row["output_id"]] = row
    answered = {row["case_id"] for row in found.values()}
    if lost := sorted(cases.keys() - answered):
        raise AlteredError(f"{len(lost)} cases have no answer", where=f"case {lost[0]}")
    return found


def _scores(
    store: Store, scorer: str, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The state of each answer's last score; answers there are none to may lack one."""
    found: dict[str, str] = {}
    for row in _rows(store, f"scores/{scorer}", _SCORE):
        output, where = outputs.get(row["output_id"]), f"{scorer}, score {row['score_id']}"
        if output is None or row["fingerprint"] != fingerprint:
            continue
        unit = identity.unit_id(output["batch_id"], output["fingerprint"])
        wanted = (identity.score_id(row["output_id"], fingerprint), output["case_id"], unit)
        if (row["score_id"], row["case_id"], row["batch_id"]) != wanted:
            raise AlteredError("a score is not what its id says", where=where)
        if output["status"] != "ok":
            raise AlteredError("a score is of an answer that failed", where=where)
        if found.get(row["output_id"], "error") != "error":
            raise AlteredError("an output was scored twice", where=where)
        found[row["output_id"]] = row["status"]
    good = {name for name, output in outputs.items() if output["status"] == "ok"}
    if found and (lost := sorted(good - found.keys())):
        raise AlteredError(
            f"{len(lost)} outputs have no score of {scorer}", where=f"output {lost[0]}"
        )
    return list(found.values())


def _rows(store: Store, table: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield from store.columns(table, names).to_pylist()
