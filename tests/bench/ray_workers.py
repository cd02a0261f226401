"""Time one, two and four Ray workers against none, for trivial cases and for SmolLM2.

Two cores: past two workers there is nothing to gain, and each is started with one
thread, as the run without Ray is, so that sums round alike.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import pyarrow as pa
import pyarrow.parquet as pq

from harness.flow.run import run

WORKERS = (0, 1, 2, 4)
ECHO = "generators: [{use: echo}]\nprompts: [{items: [%s]}]\nsamples_per_prompt: 100"
SMOL = """\
generators:
  - use: transformers
    options: {model: smollm2-135m-instruct, max_new_tokens: 40, batch: 8}
prompts: [{items: [%s]}]"""
JOBS = {
    "echo": ECHO % ", ".join(f"word {i}" for i in range(500)),
    "smollm2": SMOL % ", ".join(f"Write a line about the number {i}." for i in range(64)),
}


def suite(job: str, workers: int) -> str:
    """A suite of this job on so many workers; on none, here."""
    where = f"executor: {{use: ray, options: {{workers: {workers}}}}}" if workers else ""
    head = "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: bench}\n"
    return f"{head}{JOBS[job]}\nscorers: [{{use: length}}]\n{where}\n"


def outputs(folder: Path) -> pa.Table:
    """What was generated, without the time it took."""
    parts = [pq.read_table(path) for path in sorted((folder / "outputs").glob("*.parquet"))]
    table = pa.concat_tables(parts)
    return table.drop_columns([c for c in table.column_names if c.endswith("seconds")])


def main() -> None:
    """Print one line of JSON for each job."""
    for job in JOBS:
        line: dict[str, Any] = {"bench": "ray_workers", "job": job, "cores": os.cpu_count()}
        with tempfile.TemporaryDirectory() as folder:
            first = None
            for workers in WORKERS:
                place = Path(folder) / str(workers)
                path = Path(folder) / f"{workers}.yaml"
                path.write_text(suite(job, workers))
                start = time.perf_counter()
                run(path, out=place)
                line[f"seconds_{workers}_workers"] = round(time.perf_counter() - start, 2)
                found = outputs(place)
                first = found if first is None else first
                line["cases"] = found.num_rows
                line[f"equal_{workers}_workers"] = found.equals(first)
                shutil.rmtree(place)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
