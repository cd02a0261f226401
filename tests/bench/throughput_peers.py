"""Time 2,000 trivial cases in a peer, each sample logged: `throughput.py --peers` calls this.

It runs in an environment of its own, with `lm_eval` and `inspect_ai`; harness is not needed.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def lm_eval(folder: Path) -> int:
    """lm-evaluation-harness's `dummy` model; samples are saved as its `--log_samples` does."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    task = {
        "task": "trivial",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "prompts.jsonl")}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": ["\n"]},
        "metric_list": [{"metric": "exact_match"}],
    }
    found = simple_evaluate(
        model="dummy", tasks=[task], log_samples=True, bootstrap_iters=0,
        task_manager=TaskManager(include_defaults=False),
    )  # fmt: skip
    tracker = EvaluationTracker(output_path=str(folder / "out"))
    samples = found.pop("samples")
    tracker.save_results_aggregated(results=found, samples=samples)
    for name, rows in samples.items():
        tracker.save_results_samples(task_name=name, samples=rows)
    return sum(map(len, samples.values()))


def inspect_ai(folder: Path) -> int:
    """Inspect's `mockllm/model`, with its own log."""
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    rows = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
    dataset = MemoryDataset([Sample(input=r["prompt"], target=r["answer"]) for r in rows])
    (log,) = evaluate(
        Task(dataset=dataset, solver=generate(), scorer=match()), model="mockllm/model",
        log_dir=str(folder / "logs"), display="none",
    )  # fmt: skip
    return len(log.samples or [])


def main(peer: str, folder: Path) -> None:
    """Print one line of JSON."""
    begun = time.perf_counter()
    cases = {"lm_eval": lm_eval, "inspect_ai": inspect_ai}[peer](folder)
    seconds = time.perf_counter() - begun
    line = {
        "bench": "throughput", "peer": peer, "cases": cases, "seconds": seconds,
        "cpu_seconds": time.process_time(), "cases_per_second": cases / seconds,
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
