"""Time durable trivial cases: `echo`, and `files` for what exists, scored by length.

    python tests/bench/throughput.py [--peers PYTHON] [--million]

Sizes are 2,000, 50,000 and, if asked, 1,000,000, each in a process of its own.
`cases_per_second` is of the whole run, from reading the suite to the sealed report.
`collected_per_second` leaves out imports, judging and reports, which are per run and not
per case. `peak_mebibytes` is the process's highest resident memory.

`--peers` names the Python of an environment with `lm_eval` and `inspect_ai`: they run
2,000 of the same prompts through their dummy and mock models, and log each sample.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZES = (2_000, 50_000)
MILLION = 1_000_000
PEERS = Path(__file__).with_name("throughput_peers.py")
SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: throughput}
generators: [%s]
prompts: [{file: prompts.jsonl}]
scorers: [{use: length}]
"""
GENERATORS = {
    "echo": "{use: echo}",
    "files": "{use: files, options: {file: prompts.jsonl, output: answer}}",
}
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: throughput}
rules: [{id: empty, require: {metric: length.empty_rate, op: "<=", value: 0.01}}]
"""


def write(folder: Path, generator: str, size: int) -> None:
    """A suite of so many prompts, each with an answer, and a policy."""
    with (folder / "prompts.jsonl").open("w") as file:
        for n in range(size):
            row = {
                "prompt": f"Tell me about item {n}, in a few words.",
                "answer": f"Item {n} is one of many items.",
            }
            file.write(json.dumps(row) + "\n")
    (folder / "suite.yaml").write_text(SUITE % GENERATORS[generator])
    (folder / "policy.yaml").write_text(POLICY)


def measure(folder: Path, generator: str, size: int) -> dict[str, object]:
    """Run in this process; it should do nothing else, for its peak memory is read."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # as the command line does
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
        "generator": generator,
        "cases": size,
        "outcome": view.outcome,
        "seconds": seconds,
        "cpu_seconds": time.process_time(),
        "cases_per_second": size / seconds,
        "collected_per_second": size / collected,
        "files": sum(path.is_file() for path in (folder / "run").rglob("*")),
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(words: list[str]) -> None:
    """Print one line of JSON for each size, and for each peer."""
    if words[:1] == ["--measure"]:
        print(json.dumps(measure(Path(words[1]), words[2], int(words[3]))))
        return
    sizes = (*SIZES, MILLION) if "--million" in words else SIZES
    for generator in GENERATORS:
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), generator, size)
                ours = [sys.executable, __file__, "--measure", folder, generator, str(size)]
                subprocess.run(ours, check=True)
    if "--peers" in words:
        theirs = words[words.index("--peers") + 1]
        for peer in ("lm_eval", "inspect_ai"):
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), "echo", SIZES[0])
                subprocess.run([theirs, str(PEERS), peer, folder], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
