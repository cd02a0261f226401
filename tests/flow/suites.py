"""Small real suites for tests: outputs that exist already, with planted faults."""

import json
from collections.abc import Sequence
from pathlib import Path

FINE = "We open at nine, and parking is free all day."
LEAK = "Write to ann.smith@shop-mail.org for that."

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {{name: {name}}}
generators: [{{name: model, use: files, options: {{file: {name}.jsonl}}}}]
prompts: [{{file: {name}.jsonl, tag_columns: [topic]}}]
seed: {seed}
scorers: [{{use: privacy}}, {{use: length}}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {{name: p}}
{more}
rules:
{rules}
"""
LEAKS = '  - {id: leaks, require: {metric: privacy.leak_rate, op: "<=", value: 0.05}}'


def write_suite(
    folder: Path, name: str, leaks: Sequence[bool], *, seed: int = 0, same: str = "question"
) -> Path:
    """A suite of one output a prompt; those marked hold an e-mail address."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"prompt": f"{same} {i}", "output": LEAK if bad else FINE, "topic": f"t{i % 2}"}
        for i, bad in enumerate(leaks)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"{name}.jsonl").write_text(text)
    path = folder / f"{name}.yaml"
    path.write_text(SUITE.format(name=name, seed=seed))
    return path


def write_policy(folder: Path, *rules: str, more: str = "", name: str = "policy") -> Path:
    """A policy of these rules, each a line of YAML; without any, few leaks."""
    path = folder / f"{name}.yaml"
    path.write_text(POLICY.format(rules="\n".join(rules or (LEAKS,)), more=more))
    return path


def planted(count: int, bad: int) -> list[bool]:
    """`bad` faults spread evenly over `count` outputs."""
    return [i * bad // count != (i + 1) * bad // count for i in range(count)]
