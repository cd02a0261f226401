"""Signed runs to verify: of texts, and of pictures with everything a run can hold."""

from __future__ import annotations

from pathlib import Path

from harness.flow.bundle import bundle
from harness.flow.run import Options, run

TEXTS = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: corpus}
generators: [{name: one, use: files, options: {file: out.jsonl}}]
prompts: [{file: out.jsonl, tag_columns: [topic]}]
scorers: [{use: length}, {use: toxicity}, {use: diversity}, {use: privacy}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: fair, version: 1.2.0}
rules:
  - {id: words, require: {metric: length.empty_rate, op: "<=", value: 0.5}}
  - {id: toxic, require: {metric: toxicity.any_rate, op: "<=", value: 0.5}}
"""


def texts(folder: Path, *, answer: str = "We open at nine") -> Path:
    """A signed run of twelve texts; two were scored before the policy was there."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f'{{"prompt": "ask {i}", "output": "{answer} on day {i}", "topic": "{i % 2}"}}\n'
        for i in range(12)
    ]
    (folder / "out.jsonl").write_text("".join(rows))
    (folder / "suite.yaml").write_text(TEXTS)
    (folder / "policy.yaml").write_text(POLICY)
    how = Options(out=folder / "run")
    run(folder / "suite.yaml", folder / "policy.yaml", how)
    return folder / "run"


def packed(folder: Path) -> Path:
    """The bundle of that run."""
    return bundle(texts(folder))
