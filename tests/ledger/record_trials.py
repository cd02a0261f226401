"""Trials of recording: clients that die, servers that die, clients that come together.

Run as a program, `python -m tests.ledger.record_trials FOLDER NAME...`: prints what went
wrong and what MLflow holds, as one line of JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.ledger.mortal import Mortal
from tests.ledger.recording import Moment, begin, contents, ended, inspect, kill, nothing
from tests.ledger.sealed_runs import make, metric, write_model

ARMS = ("candidate/greedy", "candidate/nucleus")
DEATHS = (
    Moment("create_experiment"),
    Moment("create_run"),
    Moment("create_run"),
    Moment("create_run"),
    Moment("log_inputs"),
    Moment("log_batch", 1, "amid"),
    Moment("log_inputs"),
    Moment("log_artifacts", 1, "amid"),
    Moment("log_artifacts"),
    Moment("log_batch", 2, "amid"),
    Moment("set_terminated"),
    Moment("set_terminated", 2),
    Moment("set_terminated", 3),
    Moment("set_tag"),
)
"""In the order of the path: each client gets a little further than the one before."""


def client_dies(folder: Path) -> dict[str, Any]:
    """Kill fourteen clients one after the other; the fifteenth finishes."""
    made, root = _copied(folder)
    codes = [ended(begin(made, root, {moment: kill})) for moment in DEATHS]
    untold = not (root / "record.json").exists()
    codes.append(ended(begin(made, root, {})))
    return {"codes": codes, "untold": untold, **_found(root)}


def request_is_sent_again(folder: Path) -> dict[str, Any]:
    """Make each run twice, as a client does that did not hear the first answer."""
    made, root = _copied(folder)
    moments = {Moment("create_run", nth, "twice"): nothing for nth in (1, 2, 3)}
    return {"codes": [ended(begin(made, root, moments))], **_found(root)}


def clients_come_together(folder: Path, count: int = 4) -> dict[str, Any]:
    """Let clients record at once: two of one folder, the others of copies of it."""
    made, root = _copied(folder)
    roots = [
        root,
        *(shutil.copytree(root, folder / f"copy{n}") for n in range(count - 2)),
        root,
    ]
    codes = [ended(child) for child in [begin(made, each, {}) for each in roots]]
    told = {(each / "record.json").read_text() for each in roots}
    return {"codes": codes, "told": len(told), **_found(root)}


def server_dies(folder: Path) -> dict[str, Any]:
    """Kill the server in the middle of a client's artifacts, and start it again."""
    made, root = _copied(folder)
    with Mortal(f"sqlite:///{folder / 'mlflow.db'}", folder) as server:
        os.environ["MLFLOW_TRACKING_URI"] = server.uri
        codes = [ended(begin(made, root, {Moment("log_artifacts", 1, "amid"): server.kill}))]
        server.buried()
        server.start()
        codes.append(ended(begin(made, root, {})))
        return {"codes": codes, **_found(root)}


def prepare(folder: Path) -> None:
    """Write a run with many metrics, and its view to hand to clients."""
    more = [metric("diversity.bleu", "nucleus", slice=f"topic={i}") for i in range(300)]
    view, _ = make(folder / "run", write_model(folder / "model"), "pass", *more)
    (folder / "view.pickle").write_bytes(pickle.dumps(view))


def _copied(folder: Path) -> tuple[Path, Path]:
    root = shutil.copytree(folder.parent / "run", folder / "run")
    return folder.parent / "view.pickle", root


def _found(root: Path) -> dict[str, Any]:
    return {"wrong": inspect(root, ARMS), "contents": contents(ARMS)}


def undisturbed(folder: Path) -> dict[str, Any]:
    """Let one client record, for the others to be held against."""
    made, root = _copied(folder)
    return {"codes": [ended(begin(made, root, {}))], **_found(root)}


def main() -> None:
    """Run the trials that are named after a folder, each on a copy of its `empty.db`."""
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 - once, before all forks

    folder, names = Path(sys.argv[1]), sys.argv[2:]
    prepare(folder)
    done = {}
    for name in names:
        place = folder / name
        place.mkdir()
        shutil.copyfile(folder / "empty.db", place / "mlflow.db")
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{place / 'mlflow.db'}"
        done[name] = globals()[name](place)
    print(json.dumps(done, sort_keys=True))


if __name__ == "__main__":
    main()
