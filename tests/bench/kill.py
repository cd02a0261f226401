"""Kill a run of 2,000 cases 60 times, and count what was lost, redone or changed."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from tests.flow.killing import CASES, finish, torment, write

KILLS = 60


def main() -> None:
    """Print one line of JSON."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        finish(folder, folder / "warm")
        life = finish(folder, folder / "whole")
        tally = torment(folder, "bench", KILLS, life)
    line = {
        "bench": "kill",
        "cases": CASES,
        "uninterrupted_seconds": life,
        "kills": tally.kills,
        "kills_by_stage": dict(tally.during),
        "runs_finished": tally.runs,
        "finished_cases_redone": tally.redone,
        "finished_cases_lost": tally.lost,
        "files_that_differ": tally.different,
        "seconds": time.perf_counter() - begun,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
