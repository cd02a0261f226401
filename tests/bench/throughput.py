"""Time durable trivial cases: echo and length, 2,000 and 50,000 cases, each in its own process.

`cases_per_second` is of the whole run, from reading the suite to the sealed
report. `collected_per_second` leaves out imports, judging and reports, which
are per run and not per case.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZES = (2_000, 50_000)
SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: throughput}
generators: [{use: echo}]
prompts: [{file: prompts.jsonl}]
scorers: [{use: length}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: throughput}
rules: [{id: empty, require: {metric: length.empty_rate, op: "<=", value: 0.01}}]
"""


def write(folder: Path, size: int) -> None:
    """A suite of so many prompts, and a policy."""
    lines = (
        json.dumps({"prompt": f"Tell me about item {n}, in a few words."}) for n in range(size)
    )
    (folder / "prompts.jsonl").write_text("\n".join(lines))
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "policy.yaml").write_text(POLICY)


def measure(folder: Path, size: int) -> dict[str, object]:
    """Run in this process; it should do nothing else, for its peak memory is read."""
    started = time.perf_counter()
    from harness.flow import run as flow

    collected = 0.0
    collect = flow.collect

    def timed(*args: Any) -> None:
        nonlocal collected
        begun = time.perf_counter()
        collect(*args)
        collected = time.perf_counter() - begun

    vars(flow)["collect"] = timed
    view, _ = flow.run(folder / "suite.yaml", folder / "policy.yaml", out=folder / "run")
    seconds = time.perf_counter() - started
    return {
        "bench": "throughput",
        "cases": size,
        "outcome": view.outcome,
        "seconds": seconds,
        "cases_per_second": size / seconds,
        "collected_per_second": size / collected,
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Print one line of JSON for each size."""
    if len(sys.argv) == 3:
        print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
        return
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), size)
            subprocess.run([sys.executable, __file__, folder, str(size)], check=True)


if __name__ == "__main__":
    main()
