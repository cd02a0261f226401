"""Kill a run again and again, and see what its folder holds in the end.

Used by the kill test and by the kill bench: a suite on `echo` with a prompt
that always fails, no scorer of times (times cannot repeat), and processes that
are killed with SIGKILL at seeded moments spread over a run's life.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

PROMPTS, REPEATS, BATCH = 500, 4, 100
CASES, FAILING = PROMPTS * REPEATS, REPEATS
FINAL = (
    "metrics.parquet", "decision.json", "report.html",
    *(f"scores/{name}/part-000000.parquet" for name in ("length", "diversity", "privacy")),
)  # fmt: skip
SUITE = f"""\
apiVersion: harness/v1
kind: Suite
metadata: {{name: killed}}
generators: [{{use: echo, options: {{shuffle: true, batch: {BATCH}, fail_on: "item 7 fails"}}}}]
prompts: [{{file: prompts.jsonl}}]
samples_per_prompt: {REPEATS}
scorers: [{{use: length}}, {{use: diversity}}, {{use: privacy}}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: killed}
rules:
  - {id: empty, require: {metric: length.empty_rate, op: "<=", value: 0.02}}
  - {id: leaks, require: {metric: privacy.leak_rate, op: "<=", value: 0.02}}
"""


@dataclass(slots=True)
class Tally:
    """What became of killed runs; `during` counts the kills by the stage they hit."""

    kills: int = 0
    runs: int = 0
    redone: int = 0
    lost: int = 0
    different: list[str] = field(default_factory=list)
    during: Counter[str] = field(default_factory=Counter)


def write(folder: Path) -> None:
    """Write the suite, its prompts and the policy."""
    prompts = [f"item {n} of many words, mixed by the seed of each" for n in range(PROMPTS - 1)]
    lines = [json.dumps({"prompt": prompt}) for prompt in [*prompts, "item 7 fails"]]
    (folder / "prompts.jsonl").write_text("\n".join(lines))
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "policy.yaml").write_text(POLICY)


def start(folder: Path, run: Path) -> subprocess.Popen[bytes]:
    """Start the run, or take it up where it was killed."""
    files = [str(folder / "suite.yaml"), "-p", str(folder / "policy.yaml"), "--out", str(run)]
    return subprocess.Popen(
        [sys.executable, "-m", "harness", "run", *files],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def finish(folder: Path, run: Path) -> float:
    """Let the run come to its end; its seconds."""
    begun = time.perf_counter()
    code = start(folder, run).wait()
    if code != 0:
        raise RuntimeError(f"the run ended with exit code {code}")
    return time.perf_counter() - begun


def torment(folder: Path, name: str, kills: int, seconds: float) -> Tally:
    """Kill runs so many times, finish each, and compare it with the run `whole`.

    A run that ends before its moment is checked, and a new one is begun.

    Args:
        folder: Holds the suite and the finished run `whole`.
        name: Seeds the moments, and begins the names of run folders.
        kills: How many.
        seconds: An uninterrupted run's life, over which the moments spread.
    """
    chance = random.Random(name)  # noqa: S311 - when to kill, not what to hide
    tally, kept = Tally(), set[str]()
    run = folder / f"{name}-0"
    while tally.kills < kills:
        share = (chance.randrange(kills) + chance.random()) / kills
        process = start(folder, run)
        try:
            process.wait(share * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            tally.kills += 1
            tally.during[_stage(run)] += 1
            kept |= _answered(run).keys()
            continue
        _check(folder, run, kept, tally)
        kept, run = set(), folder / f"{name}-{tally.runs}"
    finish(folder, run)
    _check(folder, run, kept, tally)
    return tally


def _check(folder: Path, run: Path, kept: set[str], tally: Tally) -> None:
    answered = _answered(run)
    tally.runs += 1
    tally.redone += sum(count - 1 for count in answered.values())
    tally.lost += len(kept - answered.keys()) + CASES - FAILING - len(answered)
    tally.different += [
        f"{run.name}/{name}"
        for name in FINAL
        if (run / name).read_bytes() != (folder / "whole" / name).read_bytes()
    ]


def _answered(run: Path) -> Counter[str]:
    """How many finished outputs each case has in the parts on disk."""
    found: Counter[str] = Counter()
    for part in (run / "outputs").glob("part-*.parquet"):
        table = pq.read_table(part, columns=["case_id", "status"], partitioning=None)
        found.update(row["case_id"] for row in table.to_pylist() if row["status"] == "ok")
    return found


def _stage(run: Path) -> str:
    if not (run / "manifest.json").is_file():
        return "planning"
    if (run / "decision.json").is_file():
        return "reporting"
    if (run / ".compacting").exists():
        return "compacting"
    if _rows(run / "outputs") < CASES:
        return "generating"
    return "scoring" if _rows(run / "scores" / "privacy") < CASES - FAILING else "judging"


def _rows(table: Path) -> int:
    return sum(pq.read_metadata(part).num_rows for part in table.glob("part-*.parquet"))
