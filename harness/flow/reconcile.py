"""Each item once: every planned case has one answer, and every answer one score a scorer.

All ids are made again from what they stand for, so that a row that was moved, doubled,
renamed or left out is found, and named.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import digests, ids
from harness.engine import identity
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.evidence import ArmName
from harness.flow.planned import Asked, check_plan
from harness.flow.stored import recorded_scorers
from harness.protocols import Bound

_CASE = (
    "case_id", "generator", "strategy", "params", "prompt_id", "prompt", "system",
    "reference", "tags", "repeat", "seed",
)  # fmt: skip
_OUTPUT = ("output_id", "case_id", "batch_id", "fingerprint", "status", "media")
_AT_ONCE = 1024
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


class _Cases:
    """Every planned case by its id: its place, and there its arm. A hundred bytes each."""

    def __init__(self, fingerprints: Mapping[ArmName, str]) -> None:
        self.names = list(fingerprints)
        self.fingerprints = list(fingerprints.values())
        self.places: dict[bytes, int] = {}
        self.arms = array("I")
        self.asked: dict[ArmName, Asked] = {}

    def add(self, row: Mapping[str, Any], arm: ArmName) -> bool:
        """Add one, and tell whether it is new."""
        case, place = bytes.fromhex(row["case_id"]), len(self.places)
        if self.places.setdefault(case, place) < place:
            return False
        self.arms.append(self.names.index(arm))
        asked = self.asked.setdefault(arm, Asked())
        asked.prompts.extend(bytes.fromhex(row["prompt_id"]))
        asked.repeats.append(row["repeat"])
        return True

    def place(self, case: str) -> int | None:
        """Where a case of this id is, if there is one."""
        try:
            packed = bytes.fromhex(case)
        except ValueError:
            return None
        return self.places.get(packed) if packed.hex() == case else None

    def output(self, case: str, place: int) -> tuple[str, str]:
        """The fingerprint of the model that is to answer a case, and the answer's id."""
        made = self.fingerprints[self.arms[place]]
        return made, identity.output_id(case, made)


class _States:
    """What came of each place: nothing yet, or the status of the last row."""

    def __init__(self, size: int) -> None:
        self._names = [""]
        self._at = bytearray(size)

    def __getitem__(self, place: int) -> str:
        return self._names[self._at[place]]

    def __setitem__(self, place: int, status: str) -> None:
        if status not in self._names:
            self._names.append(status)
        self._at[place] = self._names.index(status)

    def __iter__(self) -> Iterator[str]:
        return map(self._names.__getitem__, self._at)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The last answer to each case by the case's place; ids of answers that count no more."""

    states: _States
    batches: Sequence[str]
    batch_of: Sequence[int]
    images: bytearray
    stale: frozenset[str]


def reconcile(store: Store) -> Reconciled:
    """Hold a finished run's tables against its suite and against each other.

    Raises:
        AlteredError: A row is missing, doubled, or is not what its name says.
        RefusedError: Another version of a scorer is installed here.
    """
    manifest, suite = store.read_json("manifest.json"), store.read_json("suite.json")
    cases = _cases(store, suite, manifest)
    check_plan(store, manifest, cases.asked)
    answers = _outputs(store, manifest, cases)
    unused, scores, failed = len(answers.stale), 0, 0
    for scorer in recorded_scorers(suite, manifest, store):
        states, more = _scores(store, scorer, cases, answers)
        unused += more
        scores += sum(map(bool, states))
        failed += sum(status not in ("", "ok") for status in states)
    return Reconciled(
        cases=len(cases.places),
        failed_outputs=sum(status != "ok" for status in answers.states),
        scores=scores,
        failed_scores=failed,
        unused=unused,
    )


def _cases(store: Store, suite: Mapping[str, Any], manifest: Mapping[str, Any]) -> _Cases:
    """Every planned case, its ids made again."""
    params = {s["name"]: s.get("params") or {} for s in suite["strategies"]}
    found = _Cases(
        {(arm["generator"], arm["strategy"]): arm["fingerprint"] for arm in manifest["arms"]}
    )
    for row in _rows(store, "cases", _CASE):
        arm, where = (row["generator"], row["strategy"]), f"case {row['case_id']}"
        if arm not in found.names or json.loads(row["params"]) != params.get(arm[1]):
            raise AlteredError("a case is of no arm of the suite", where=where)
        wanted = _case_ids(row, suite["seed"], params[arm[1]])
        if {name: row[name] for name in wanted} != wanted:
            raise AlteredError("a case is not what its id says", where=where)
        if not found.add(row, arm):
            raise AlteredError("a case is planned twice", where=where)
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


def _outputs(store: Store, manifest: Mapping[str, Any], cases: _Cases) -> _Answers:
    """The last answer to each case; an earlier one may only have failed."""
    size = len(cases.places)
    states, images, batch_of = _States(size), bytearray(size), array("I", bytes(4 * size))
    batches: dict[str, int] = {}
    stale: set[str] = set()
    for row in _rows(store, "outputs", _OUTPUT):
        where, place = f"output {row['output_id']}", cases.place(row["case_id"])
        if row["output_id"] != identity.output_id(row["case_id"], row["fingerprint"]):
            raise AlteredError("an output is not what its id says", where=where)
        if place is None or row["fingerprint"] != cases.output(row["case_id"], place)[0]:
            _check_stale(row, manifest)
            stale.add(row["output_id"])
            continue
        if states[place] not in ("", "error"):
            raise AlteredError(
                "a case was answered twice", where=f"{where}, case {row['case_id']}"
            )
        states[place] = row["status"]
        images[place] = row["media"] is not None
        batch_of[place] = batches.setdefault(row["batch_id"], len(batches))
    found = _Answers(states, list(batches), batch_of, images, frozenset(stale))
    lost = [case.hex() for case, place in cases.places.items() if not states[place]]
    if lost:
        raise AlteredError(f"{len(lost)} cases have no answer", where=f"case {min(lost)}")
    _check_batches(found, cases)
    return found


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


def _check_batches(answers: _Answers, cases: _Cases) -> None:
    """A batch is named by its cases in the plan's order, so none can have been taken out."""
    members: dict[int, bytearray] = {}
    for case, place in cases.places.items():
        members.setdefault(answers.batch_of[place], bytearray()).extend(case)
    for batch, held in members.items():
        each = [held[at : at + ids.BYTES].hex() for at in range(0, len(held), ids.BYTES)]
        if answers.batches[batch] != digests.of_json(each):
            raise AlteredError(
                "a batch is not what its id says",
                where=f"batch {answers.batches[batch]}, case {each[0]}",
            )


def _scores(
    store: Store, scorer: Bound, cases: _Cases, answers: _Answers
) -> tuple[_States, int]:
    """The state of each case's last score, and how many rows count no more."""
    found = _States(len(cases.places))
    unused = 0
    for row in _rows(store, f"scores/{scorer.name}", _SCORE):
        where = f"{scorer.name}, score {row['score_id']}"
        if row["fingerprint"] != scorer.fingerprint or row["output_id"] in answers.stale:
            unused += 1
            continue
        case, place = row["case_id"], cases.place(row["case_id"])
        made, output = ("", "") if place is None else cases.output(case, place)
        if place is None or row["output_id"] != output:
            raise AlteredError("a score is of no output of its case", where=where)
        unit = identity.unit_id(answers.batches[answers.batch_of[place]], made)
        wanted = (identity.score_id(output, scorer.fingerprint), unit)
        if (row["score_id"], row["batch_id"]) != wanted:
            raise AlteredError("a score is not what its id says", where=where)
        if answers.states[place] != "ok":
            raise AlteredError("a score is of an answer that failed", where=where)
        if found[place] not in ("", "error"):
            raise AlteredError("an output was scored twice", where=where)
        found[place] = row["status"]
    lost = [
        case.hex()
        for case, place in cases.places.items()
        if not found[place] and _has_to_be_read(place, scorer, answers)
    ]
    if lost:
        raise AlteredError(
            f"{len(lost)} outputs have no score of {scorer.name}", where=f"case {min(lost)}"
        )
    return found, unused


def _has_to_be_read(place: int, scorer: Bound, answers: _Answers) -> bool:
    """Whether a scorer has to have read an answer: those of a kind that it accepts."""
    kind = "image" if answers.images[place] else "text"
    return answers.states[place] == "ok" and kind in scorer.plugin.accepts


def _rows(store: Store, table: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for part in store.scan(table, names):
        for batch in part.to_batches(max_chunksize=_AT_ONCE):
            yield from batch.to_pylist()
