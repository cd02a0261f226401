"""Each item once: every planned case has one answer, and every answer one score a scorer.

All ids are made again from what they stand for, so that a row that was moved, doubled,
renamed or left out is found, and named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness import digests
from harness.engine import identity
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.evidence import ArmName
from harness.flow.planned import check_plan
from harness.flow.stored import recorded_scorers
from harness.protocols import Bound

_CASE = (
    "case_id", "generator", "strategy", "params", "prompt_id", "prompt", "system",
    "reference", "tags", "repeat", "seed",
)  # fmt: skip
_OUTPUT = ("output_id", "case_id", "batch_id", "fingerprint", "status", "media")
_SCORE = ("score_id", "output_id", "case_id", "batch_id", "fingerprint", "status")


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many there are: planned cases, answers that failed, and scores that failed.

    `unused` are rows of models, scorers or looks that the verdict does not rest on: a
    run's folder is only ever added to.
    """

    cases: int
    failed_outputs: int
    scores: int
    failed_scores: int
    unused: int = 0


@dataclass(frozen=True, slots=True)
class _Answers:
    """The last answer to each case by its id, and the ids of answers that count no more."""

    found: Mapping[str, Mapping[str, Any]]
    stale: frozenset[str]
    unused: int


def reconcile(store: Store) -> Reconciled:
    """Hold a finished run's tables against its suite and against each other.

    Raises:
        AlteredError: A row is missing, doubled, or is not what its name says.
        RefusedError: Another version of a scorer is installed here.
    """
    manifest, suite = store.read_json("manifest.json"), store.read_json("suite.json")
    arms = {(arm["generator"], arm["strategy"]): arm for arm in manifest["arms"]}
    cases = _cases(store, suite, arms)
    asked: dict[ArmName, list[tuple[str, int]]] = {}
    for arm, prompt, repeat in cases.values():
        asked.setdefault(arm, []).append((prompt, repeat))
    check_plan(store, manifest, asked)
    answers = _outputs(store, manifest, cases)
    unused, scores = answers.unused, list[str]()
    for scorer in recorded_scorers(suite, manifest, store):
        states, more = _scores(store, scorer, answers)
        scores += states
        unused += more
    statuses = [output["status"] for output in answers.found.values()]
    return Reconciled(
        cases=len(cases),
        failed_outputs=sum(status != "ok" for status in statuses),
        scores=len(scores),
        failed_scores=sum(status != "ok" for status in scores),
        unused=unused,
    )


def _cases(
    store: Store, suite: Mapping[str, Any], arms: Mapping[ArmName, Any]
) -> dict[str, tuple[ArmName, str, int]]:
    """Every planned case with its arm, prompt and repeat, its ids made again."""
    params = {s["name"]: s.get("params") or {} for s in suite["strategies"]}
    found: dict[str, tuple[ArmName, str, int]] = {}
    for row in _rows(store, "cases", _CASE):
        arm, where = (row["generator"], row["strategy"]), f"case {row['case_id']}"
        if arm not in arms or json.loads(row["params"]) != params.get(arm[1]):
            raise AlteredError("a case is of no arm of the suite", where=where)
        wanted = _case_ids(row, suite["seed"], params[arm[1]])
        if {name: row[name] for name in wanted} != wanted:
            raise AlteredError("a case is not what its id says", where=where)
        if row["case_id"] in found:
            raise AlteredError("a case is planned twice", where=where)
        found[row["case_id"]] = (arm, row["prompt_id"], row["repeat"])
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


def _outputs(
    store: Store, manifest: Mapping[str, Any], cases: Mapping[str, tuple[ArmName, str, int]]
) -> _Answers:
    """The last answer to each case; an earlier one may only have failed."""
    arms = {(arm["generator"], arm["strategy"]): arm["fingerprint"] for arm in manifest["arms"]}
    found: dict[str, dict[str, Any]] = {}
    stale: list[str] = []
    for row in _rows(store, "outputs", _OUTPUT):
        where, case = f"output {row['output_id']}", cases.get(row["case_id"])
        if row["output_id"] != identity.output_id(row["case_id"], row["fingerprint"]):
            raise AlteredError("an output is not what its id says", where=where)
        if case is None or row["fingerprint"] != arms[case[0]]:
            _check_stale(row, manifest)
            stale.append(row["output_id"])
            continue
        if found.get(row["output_id"], {"status": "error"})["status"] != "error":
            raise AlteredError(
                "a case was answered twice", where=f"{where}, case {row['case_id']}"
            )
        found[row["output_id"]] = row
    answered = {row["case_id"] for row in found.values()}
    if lost := sorted(cases.keys() - answered):
        raise AlteredError(f"{len(lost)} cases have no answer", where=f"case {lost[0]}")
    _check_batches(found, cases)
    return _Answers(found, frozenset(stale), len(stale))


def _check_stale(row: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """Another model's answer may be left from before; one of this model had its case.

    Unless the gate was sequential: judged by another policy it may stop earlier.
    """
    ours = any(row["fingerprint"] == arm["fingerprint"] for arm in manifest["arms"])
    if ours and not manifest.get("looks"):
        raise AlteredError(
            "an answer is to a case that is not planned",
            where=f"output {row['output_id']}, case {row['case_id']}",
            fix="run the suite in a new folder: a run shows what was asked, and nothing else",
        )


def _check_batches(
    found: Mapping[str, Mapping[str, Any]], cases: Mapping[str, tuple[ArmName, str, int]]
) -> None:
    """A batch is named by its cases in the plan's order, so none can have been taken out."""
    batches = {row["case_id"]: row["batch_id"] for row in found.values()}
    members: dict[str, list[str]] = {}
    for case in cases:
        members.setdefault(batches[case], []).append(case)
    for batch, held in members.items():
        if batch != digests.of_json(held):
            raise AlteredError(
                "a batch is not what its id says", where=f"batch {batch}, case {held[0]}"
            )


def _scores(store: Store, scorer: Bound, answers: _Answers) -> tuple[list[str], int]:
    """The state of each answer's last score, and how many rows count no more."""
    found: dict[str, str] = {}
    unused = 0
    for row in _rows(store, f"scores/{scorer.name}", _SCORE):
        output = answers.found.get(row["output_id"])
        where = f"{scorer.name}, score {row['score_id']}"
        if row["fingerprint"] != scorer.fingerprint or row["output_id"] in answers.stale:
            unused += 1
            continue
        if output is None:
            raise AlteredError("a score is of no output", where=where)
        unit = identity.unit_id(output["batch_id"], output["fingerprint"])
        name = identity.score_id(row["output_id"], scorer.fingerprint)
        wanted = (name, output["case_id"], unit)
        if (row["score_id"], row["case_id"], row["batch_id"]) != wanted:
            raise AlteredError("a score is not what its id says", where=where)
        if output["status"] != "ok":
            raise AlteredError("a score is of an answer that failed", where=where)
        if found.get(row["output_id"], "error") != "error":
            raise AlteredError("an output was scored twice", where=where)
        found[row["output_id"]] = row["status"]
    if lost := sorted(_readable(scorer, answers.found) - found.keys()):
        raise AlteredError(
            f"{len(lost)} outputs have no score of {scorer.name}",
            where=f"output {lost[0]}, case {answers.found[lost[0]]['case_id']}",
        )
    return list(found.values()), unused


def _readable(scorer: Bound, outputs: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The answers that a scorer has to have read: those of a kind that it accepts."""
    return {
        name
        for name, output in outputs.items()
        if output["status"] == "ok"
        and ("text" if output["media"] is None else "image") in scorer.plugin.accepts
    }


def _rows(store: Store, table: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield from store.columns(table, names).to_pylist()
