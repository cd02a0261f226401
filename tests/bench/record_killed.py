"""Kill clients and servers 50 times while they record, and count what is lost or doubled.

Half of the kills hit clients on an SQLite file, half hit a server over HTTP or its client,
each at a seeded moment of an undisturbed recording's length, wherever that falls: inside a
transaction, an upload, or between two calls. After every second kill the run is finished,
and MLflow is held against what should be there.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.ledger.connection import connected
from tests.ledger.mortal import Mortal
from tests.ledger.record_trials import ARMS, prepare
from tests.ledger.recording import begin, ended, inspect

KILLS, KILLS_A_RUN, SEED = 50, 2, 7


def main() -> None:
    """Print one line of JSON."""
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 - once, before all forks

    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    begun, tally, wrong = time.perf_counter(), Counter[str](), list[str]()
    chance = random.Random(SEED)  # noqa: S311 - when to kill, not what to hide
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'empty.db'}"
        with connected():
            pass
        wrong += _on_sqlite(folder, chance, tally)
        wrong += _over_http(folder, chance, tally)
    line = {
        "bench": "record_killed",
        "kills": tally["client"] + tally["server"],
        "clients_killed": tally["client"],
        "servers_killed": tally["server"],
        "ended_before_their_kill": tally["early"],
        "runs_finished": tally["runs"],
        "wrong": wrong,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps(line))


def _on_sqlite(folder: Path, chance: random.Random, tally: Counter[str]) -> list[str]:
    seconds, wrong, number = 0.0, list[str](), 0
    while tally["client"] < KILLS // 2:
        root = _place(folder, f"sqlite{number}")
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{root.parent / 'mlflow.db'}"
        for _ in range(KILLS_A_RUN if number else 0):
            _kill_client(folder, root, chance.random() * seconds, tally)
        seconds = max(seconds, _finish(folder, root))
        wrong += _judged(root, tally)
        number += 1
    return wrong


def _over_http(folder: Path, chance: random.Random, tally: Counter[str]) -> list[str]:
    seconds, wrong, number, goal = 0.0, list[str](), 0, KILLS - KILLS // 2
    while tally["server"] + tally["over http"] < goal:
        root = _place(folder, f"http{number}")
        with Mortal(f"sqlite:///{root.parent / 'mlflow.db'}", root.parent) as server:
            os.environ["MLFLOW_TRACKING_URI"] = server.uri
            for turn in range(KILLS_A_RUN if number else 0):
                moment = chance.random() * seconds
                if turn:
                    before = tally["client"]
                    _kill_client(folder, root, moment, tally)
                    tally["over http"] += tally["client"] - before
                else:
                    client = begin(folder / "view.pickle", root, {})
                    time.sleep(moment)
                    server.kill()
                    server.buried()
                    tally["server"] += 1
                    ended(client)
                    server.start()
            seconds = max(seconds, _finish(folder, root))
            wrong += _judged(root, tally)
        number += 1
    return wrong


def _place(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    shutil.copyfile(folder / "empty.db", folder / name / "mlflow.db")
    return shutil.copytree(folder / "run", folder / name / "run")


def _kill_client(folder: Path, root: Path, moment: float, tally: Counter[str]) -> None:
    client = begin(folder / "view.pickle", root, {})
    time.sleep(moment)
    os.kill(client, signal.SIGKILL)
    tally["client" if ended(client) == -signal.SIGKILL else "early"] += 1


def _finish(folder: Path, root: Path) -> float:
    start = time.perf_counter()
    code = ended(begin(folder / "view.pickle", root, {}))
    if code != 0:
        raise RuntimeError(f"recording ended with exit code {code}")
    return time.perf_counter() - start


def _judged(root: Path, tally: Counter[str]) -> list[str]:
    tally["runs"] += 1
    return [f"{root.parent.name}: {found}" for found in inspect(root, ARMS)]


if __name__ == "__main__":
    main()
