"""Clients that record one run and are killed at chosen calls, and what MLflow holds after.

Run as a program: it imports MLflow once and forks, so that each client is a new process
with connections of its own, and SIGKILL ends it where it stands.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import digests
from harness.errors import HarnessError
from harness.ledger.artifacts import gather
from harness.ledger.connection import connected
from harness.ledger.tracking import FOLDER, record
from harness.records import RunView

CALLS = (
    "create_experiment", "create_run", "log_inputs", "log_batch", "log_artifacts", "set_tag",
    "set_terminated", "delete_run",
)  # fmt: skip
ENDED, REFUSED = 0, 3


@dataclass(frozen=True)
class Moment:
    """When something befalls a client: at the `nth` call of a method, before, amid or after."""

    call: str
    nth: int = 1
    when: str = "after"


def kill() -> None:
    """End this process as the kernel does when memory is out."""
    os.kill(os.getpid(), signal.SIGKILL)


def nothing() -> None:
    """Let the client live."""


def begin(made: Path, root: Path, befall: dict[Moment, Callable[[], None]]) -> int:
    """Start a client that records the run in `root`; its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        view: RunView = pickle.loads(made.read_bytes())  # noqa: S301 - our own file
        _arrange(befall)
        record(view, root)
        code = ENDED
    except HarnessError as error:
        print(error, file=sys.stderr, flush=True)
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Wait for a client, and give its exit code; minus the signal's number if killed."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def inspect(root: Path, arms: Sequence[str]) -> list[str]:
    """Say what MLflow lacks of a recorded run, has twice, or has in another form."""
    with connected() as server:
        places = [place.experiment_id for place in server.client.search_experiments()]
        runs = list(server.client.search_runs(places))
        names = Counter(run.data.tags.get("harness.arm", "") for run in runs)
        wrong = [f"{n} runs for {name!r}" for name, n in names.items() if n != 1]
        wrong += [f"no run for {name!r}" for name in {"", *arms} - names.keys()]
        for run in runs:
            wrong += _wrong(server.client, run)
        parent = next(run for run in runs if run.data.tags.get("harness.role") == "run")
        wrong += _artifacts(server.client, parent.info.run_id, root)
        said = json.loads((root / "record.json").read_bytes())
        if {said["parent"], *said["children"].values()} != {run.info.run_id for run in runs}:
            wrong.append("record.json names other runs")
    return wrong


def contents(arms: Sequence[str]) -> dict[str, Any]:
    """Every metric, param and tag by arm, but for ids and times."""
    with connected() as server:
        places = [place.experiment_id for place in server.client.search_experiments()]
        own = ("mlflow.parentRunId",)
        return {
            run.data.tags.get("harness.arm", ""): [
                run.data.metrics,
                run.data.params,
                {name: tag for name, tag in run.data.tags.items() if name not in own},
            ]
            for run in server.client.search_runs(places)
            if run.data.tags.get("harness.arm", "") in {"", *arms}
        }


def _wrong(client: Any, run: Any) -> list[str]:
    name = run.data.tags.get("harness.arm", "")
    wrong = [] if run.info.status == "FINISHED" else [f"{name!r} is {run.info.status}"]
    for metric in list(run.data.metrics)[:5]:
        times = len(client.get_metric_history(run.info.run_id, metric))
        wrong += [f"{name!r} has {metric} {times} times"] if times != 1 else []
    return wrong


def _artifacts(client: Any, parent: str, root: Path) -> list[str]:
    """Hold what can be downloaded against what should have been sent, byte by byte."""
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        wanted, got = Path(scratch) / "wanted", Path(scratch) / "got"
        wanted.mkdir()
        got.mkdir()
        gather(root, wanted)
        client.download_artifacts(parent, FOLDER, str(got))
        there, sent = digests.of_files(got / FOLDER), digests.of_files(wanted)
    return [
        f"artifact {name} differs"
        for name in sorted(there.keys() | sent.keys())
        if there.get(name) != sent.get(name)
    ]


def _arrange(befall: dict[Moment, Callable[[], None]]) -> None:
    """Let each thing happen at its moment of this process."""
    from mlflow import MlflowClient

    for call in {moment.call for moment in befall}:
        _around(MlflowClient, call, befall)


def _around(client: Any, call: str, befall: dict[Moment, Callable[[], None]]) -> None:
    original, times = getattr(client, call), Counter[str]()

    def instead(*args: Any, **named: Any) -> Any:
        times[call] += 1
        due = {
            m.when: act for m, act in befall.items() if (m.call, m.nth) == (call, times[call])
        }
        due.get("before", nothing)()
        if "amid" in due:
            _half(original, args, named)
            due["amid"]()
        result = original(*args, **named)
        if "twice" in due:  # as a request that is sent again when its answer is lost
            result = original(*args, **named)
        due.get("after", nothing)()
        return result

    setattr(client, call, instead)


def _half(original: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Do half of a call: some metrics; or some files, the last of them in part."""
    if "metrics" in named:
        original(
            *args, **(named | {"metrics": named["metrics"][::2], "params": [], "tags": []})
        )
        return
    run_id, folder, target = args[1], Path(args[2]), args[3]
    part = folder.with_name(f"{folder.name}-part")
    shutil.copytree(folder, part)
    for number, path in enumerate(sorted(p for p in part.rglob("*") if p.is_file())):
        if number > 2:
            path.unlink()
        elif number == 2:
            path.write_bytes(path.read_bytes()[:7])
    original(args[0], run_id, str(part), target)
    shutil.rmtree(part)
