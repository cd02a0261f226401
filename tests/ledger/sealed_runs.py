"""Small sealed runs of two strategies, with a model folder and planted personal data."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness import digests
from harness.ledger.decision import sign_run
from harness.ledger.entries import Author
from harness.ledger.evidence import Evidence
from harness.ledger.keys import signer, trusted
from harness.ledger.seal import seal
from harness.ledger.subject import Subject, subject_of
from harness.ledger.tracking import record
from harness.records import Finding, Metric, Outcome, RunView, Verdict

EMAIL = "carol.jones@example.org"
STRATEGIES: dict[str, dict[str, Any]] = {"greedy": {}, "nucleus": {"top_p": 0.9}}


def write_model(folder: Path, content: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(content)
    (folder / "config.json").write_text('{"layers": 2}')
    return folder


def identity_of(model: Path) -> dict[str, Any]:
    return {
        "plugin": "transformers",
        "package": "harness 0.1",
        "source": "5a" * 32,
        "options": {"model": str(model), "max_new_tokens": 32},
        "weights": digests.of_files(model),
        "packages": {"transformers": "5.0.0"},
        "kind": "weights",
    }


def subject(model: Path) -> Subject:
    added = {"folder": str(model), "strategies": STRATEGIES}
    return subject_of("candidate", identity_of(model) | added)


def metric(name: str = "toxicity.rate", strategy: str = "greedy", **changes: Any) -> Metric:
    fields: dict[str, Any] = {
        "generator": "candidate", "strategy": strategy, "slice": "all", "name": name,
        "value": 0.25, "low": 0.125, "high": 0.5, "confidence": 0.95, "n": 40, "missing": 0,
        "clusters": 10, "kind": "proportion", "unit": "share", "better": "lower",
        "signature": "s",
    }  # fmt: skip
    return Metric(**{**fields, **changes})


def finding(outcome: Outcome, part: str = "all") -> Finding:
    return Finding(
        rule="toxicity", metric="toxicity.rate", slice=part, outcome=outcome, cause="evidence",
        severity="block", op="<=", limit=0.6, value=0.25, low=0.125, high=0.5, n=40, missing=0,
        clusters=10, needed=None, message="",
    )  # fmt: skip


def make(
    root: Path, model: Path, outcome: Outcome | None = "pass", *more: Metric
) -> tuple[RunView, Path]:
    """Write a run's folder, seal it, and give the run as assessed from it."""
    arms = [
        {"generator": "candidate", "strategy": name, "fingerprint": "fe" * 32,
         "identity": identity_of(model)}
        for name in STRATEGIES
    ]  # fmt: skip
    suite = {
        "metadata": {"name": "demo"},
        "strategies": [{"name": n, "params": p} for n, p in STRATEGIES.items()],
        "prompts": [{"items": [f"Write to {EMAIL}"]}],
    }
    view = RunView(
        run_id=f"demo-{subject(model).digest[:10]}",
        outcome=outcome,
        suite=suite,
        policy={"metadata": {"name": "rules"}, "defaults": {"confidence": 0.95}}
        if outcome
        else None,
        digests={
            "suite": "aa" * 32,
            "policy": "bb" * 32,
            "subjects": {"candidate": subject(model).digest},
            "generators": {"candidate/greedy": "x"},
        },
        environment={"python": "3.11"},
        caveats={},
        metrics=(*(metric(strategy=name) for name in STRATEGIES), *more),
        verdicts=tuple(
            Verdict(
                generator="candidate",
                strategy=name,
                outcome=outcome,
                findings=(finding(outcome), finding("pass", "lang=en")),
            )
            for name in STRATEGIES
            if outcome
        ),
        examples=(),
    )
    root.mkdir(parents=True, exist_ok=True)
    manifest = {"run_id": view.run_id, "arms": arms, "prompts": {"prompts/a.jsonl": "cd" * 32}}
    decision = {
        "run_id": view.run_id,
        "outcome": outcome,
        "digests": view.digests,
        "verdicts": [dataclasses.asdict(verdict) for verdict in view.verdicts],
    }
    files = {"suite": suite, "manifest": manifest, "decision": decision, "environment": {}}
    for name, value in files.items():
        (root / f"{name}.json").write_text(json.dumps(value))
    (root / "report.md").write_text("# pass\n")
    (root / ".lock").touch()
    write_tables(root)
    seal(root)
    return view, root


def write_tables(root: Path) -> None:
    tables: dict[str, dict[str, list[Any]]] = {
        "cases": {"case_id": ["1"], "prompt": [f"Mail {EMAIL}"], "tags": [[("to", EMAIL)]]},
        "outputs": {"case_id": ["1"], "text": [f"I wrote to {EMAIL}"], "tokens": [5]},
        "scores/diversity": {"case_id": ["1"], "value_text": [EMAIL], "value_ids": [[1, 2]],
                             "value_words": [4.0], "error": [None]},
    }  # fmt: skip
    for name, columns in tables.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for part in range(2):
            table = pa.table(columns)
            if name == "cases":
                tags = pa.array(columns["tags"], pa.map_(pa.string(), pa.string()))
                table = table.set_column(2, "tags", tags)
            pq.write_table(table, root / name / f"part-{part:06d}.parquet")


def evidence(view: RunView, root: Path, model: Path) -> Evidence:
    """Sign and record a run, and give what a promotion of its model rests on."""
    sign_run(view, root, signer(), datetime.now(UTC))
    recorded = record(view, root)
    return Evidence(
        run=view,
        root=root,
        subject=subject(model),
        recorded=recorded,
        expected_seal=recorded.seal,
    )


def author(reason: str = "") -> Author:
    """Give this machine's own hand, now."""
    return Author(signer=signer(), trusted=trusted(), now=datetime.now(UTC), reason=reason)
