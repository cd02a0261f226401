"""Time judging a stored run again by another policy, at three sizes: one JSON line each.

Scored once, then judged in a process of its own, whose loaded modules are
looked at: no torch, no transformers. `seconds` covers the whole command.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (1_000, 10_000, 50_000)
SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: rejudge}
generators: [{use: files, options: {file: rows.jsonl}}]
prompts: [{file: rows.jsonl, tag_columns: [topic]}]
scorers: [{use: privacy}, {use: length}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules:
  - {id: leaks, require: {metric: privacy.leak_rate, op: "<=", value: %s}, slices: {by: topic}}
  - {id: words, require: {metric: length.words, op: ">=", value: 2}}
"""
JUDGE = """\
import json, resource, sys
from harness.flow.assess import rejudge
view = rejudge(sys.argv[1], sys.argv[2])
heavy = sorted({"torch", "transformers", "mlflow", "diffusers"} & set(sys.modules))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"outcome": view.outcome, "heavy": heavy, "peak_mib": peak}))
"""


def main() -> None:
    for size in SIZES:
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(measure(Path(name), size)), flush=True)


def measure(folder: Path, size: int) -> dict[str, object]:
    rows = (
        {"prompt": f"ask {i}", "output": f"We open at {i % 12}.", "topic": f"t{i % 5}"}
        for i in range(size)
    )
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "suite.yaml").write_text(SUITE)
    for policy, limit in (("first", "0.05"), ("second", "0.01")):
        (folder / f"{policy}.yaml").write_text(POLICY % limit)
    from harness.flow.run import run

    run(folder / "suite.yaml", folder / "first.yaml", out=folder / "runs" / "a")
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", JUDGE, str(folder / "runs" / "a"), str(folder / "second.yaml")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds = round(time.perf_counter() - started, 2)
    return {"bench": "rejudge", "cases": size, "seconds": seconds, **json.loads(done.stdout)}


if __name__ == "__main__":
    main()
