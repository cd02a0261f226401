"""Six processes promote at once, each with one chance in four to crash at each of four points.

One line of JSON for each backend: SQLite, PostgreSQL, and HTTP with four workers on both.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.ledger.postgres import binaries, started
from tests.ledger.serving import served
from tests.ledger.test_racing import race

ROUNDS, SEED, WORKERS = 25, 20261, 4
BACKENDS = ("sqlite", "postgresql", "http on sqlite", "http on postgresql")


@contextmanager
def backend(name: str, folder: Path) -> Iterator[str]:
    """Start MLflow on an empty database, and give its address."""
    with ExitStack() as stack:
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        if "postgresql" in name:
            programs = binaries()
            if programs is None:
                sys.exit("PostgreSQL is absent: make database")
            uri = stack.enter_context(started(programs)).new()
        if name.startswith("http"):
            uri = stack.enter_context(served(uri, folder, workers=WORKERS))
        yield uri


def main() -> None:
    """Print one line of JSON for each backend; fail where anything went wrong."""
    wrong = 0
    for name in BACKENDS:
        with tempfile.TemporaryDirectory() as folder, backend(name, Path(folder)) as uri:
            found = race(uri, Path(folder), ROUNDS, SEED)
        print(json.dumps({"bench": "promotion_race", "backend": name, **found}), flush=True)
        wrong += len(found["wrong"])
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
