"""Processes that promote at once and crash, one that reads meanwhile, and what came of it.

Run as a program: it imports MLflow and its stores once and forks, so that each process is a
new one with connections of its own, and a crash in it is a real one.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import ConflictError, HarnessError
from harness.ledger import changing, keys, projection, promotions
from harness.ledger.connection import connected
from harness.ledger.fold import fold
from harness.ledger.operations import reconcile, standing
from harness.ledger.registered import aliases_of
from harness.ledger.resolve import resolve
from tests.ledger.ledgers import Passed, passed

WRITERS, CRASH = 6, 0.25
POINTS = ("before append", "after append", "after fold", "mid-projection")
CONTENT = [f"model {number}".encode() for number in range(WRITERS)]
BAD = b"a model that failed"


@dataclass
class Tally:
    """What the rounds came to; `repaired` counts aliases that reconcile had to set."""

    rounds: int = 0
    entries: int = 0
    applied: int = 0
    acknowledged: int = 0
    conflicts: int = 0
    refused: int = 0
    repaired: int = 0
    reads: int = 0
    reads_refused: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def race(folder: Path, rounds: int, seed: int) -> Tally:
    """Let six promote at once, round after round, on the MLflow that is in use."""
    begun, tally = time.perf_counter(), Tally()
    _join([_fork(folder / "setup", lambda: _setup(folder))])
    for number in range(rounds):
        _round(folder / f"round{number}", folder, random.Random(f"{seed} {number}"), tally)  # noqa: S311
    tally.seconds = round(time.perf_counter() - begun, 1)
    return tally


def _round(place: Path, folder: Path, chance: random.Random, tally: Tally) -> None:
    place.mkdir()
    stop = place / "stop"
    reader = _fork(place / "reader", lambda: _read(stop, place))
    rogue = _fork(place / "rogue", _move_by_hand) if chance.random() < 0.5 else None
    seeds = [chance.random() for _ in range(WRITERS)]
    writers = [
        _fork(place / f"writer{n}", lambda n=n: _promote(folder, n, seeds[n]))  # type: ignore[misc]
        for n in range(WRITERS)
    ]
    codes = _join([*writers, *([rogue] if rogue else [])])
    stop.touch()
    codes += _join([reader])
    tally.crashes.update(POINTS[code - 40] for code in codes if 40 <= code < 44)
    if any(code not in (0, 40, 41, 42, 43) for code in codes):
        tally.wrong.append(f"a process ended with {codes}")
    _join([_fork(place / "judge", lambda: _judge(place))])
    said = {path.stem: json.loads(path.read_text()) for path in place.glob("*.json")}
    _count(said, tally)


def _count(said: dict[str, Any], tally: Tally) -> None:
    tally.rounds += 1
    for name, result in said.items():
        if name.startswith("writer"):
            tally.acknowledged += result["outcome"] == "promoted"
            tally.conflicts += result["outcome"] == "conflict"
            tally.refused += result["outcome"] == "refused"
    tally.reads += said["reader"]["served"]
    tally.reads_refused += said["reader"]["refused"]
    tally.wrong += said["reader"]["wrong"] + said["judge"]["wrong"]
    tally.repaired += said["judge"]["repaired"]
    tally.entries, tally.applied = said["judge"]["entries"], said["judge"]["applied"]


def _fork(result: Path, act: Callable[[], Any]) -> int:
    """Run `act` in a new process, whose answer is written beside `result`."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        answer = act()
        result.with_suffix(".json").write_text(json.dumps(answer))
        code = 0
    except BaseException as error:
        print(f"{result.name}: {error!r}", file=sys.stderr, flush=True)
        raise
    finally:
        os._exit(code)


def _join(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _setup(folder: Path) -> None:
    made = [passed(folder / f"m{n}", content) for n, content in enumerate(CONTENT)]
    made.append(passed(folder / "bad", BAD, "fail"))
    made[0].promote()  # an alias moved by hand before there is a ledger stops every promotion
    (folder / "models.pickle").write_bytes(pickle.dumps(made))


def _promote(folder: Path, number: int, seed: float) -> dict[str, Any]:
    made: list[Passed] = pickle.loads((folder / "models.pickle").read_bytes())  # noqa: S301
    random.seed(seed)
    chance = random.Random(seed)  # noqa: S311

    def perhaps(point: str) -> None:
        if chance.random() < CRASH:
            os._exit(40 + POINTS.index(point))

    _around(promotions, "_write", perhaps, before=POINTS[0], after=POINTS[1])
    _around(changing, "project", perhaps, before=POINTS[2])
    _around(projection, "_set", perhaps, after=POINTS[3])
    try:
        moved = made[number].promote()
    except ConflictError:
        return {"outcome": "conflict"}
    except HarnessError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "promoted", "epoch": moved.epoch, "version": moved.version}


def _around(
    room: Any, name: str, perhaps: Callable[[str], None], *, before: str = "", after: str = ""
) -> None:
    """Let a function of ours crash before or after it has run."""
    whole = getattr(room, name)

    def crashing(*args: Any, **named: Any) -> Any:
        if before:
            perhaps(before)
        result = whole(*args, **named)
        if after:
            perhaps(after)
        return result

    setattr(room, name, crashing)


def _move_by_hand() -> None:
    """Move the alias to the version that failed, as somebody without a gate would."""
    with connected() as server:
        for _ in range(3):
            time.sleep(random.uniform(0, 1))  # noqa: S311
            server.client.set_registered_model_alias("m", "champion", f"{WRITERS + 1}")


def _read(stop: Path, place: Path) -> dict[str, Any]:
    """Resolve the alias until told to stop; only what passed may ever come."""
    served, refused, wrong = 0, 0, []
    (place / "fetched").mkdir()
    while not stop.exists():
        try:
            found = resolve("models:/m@champion", keys.trusted(), within=place / "fetched")
        except HarnessError:
            refused += 1
            continue
        content = (found.folder / "model.safetensors").read_bytes()
        if content not in CONTENT or found.version == f"{WRITERS + 1}":
            wrong.append(f"served version {found.version}: {content!r}")
        served += 1
        shutil.rmtree(place / "fetched")
        (place / "fetched").mkdir()
    return {"served": served, "refused": refused, "wrong": wrong}


def _judge(place: Path) -> dict[str, Any]:
    """Reconcile, and compare the alias, the ledger and what was acknowledged."""
    wrong: list[str] = []
    said = [json.loads(path.read_text()) for path in place.glob("writer*.json")]
    state = standing("m", "champion", keys.trusted())
    with connected() as server:
        before = aliases_of(server, "m").get("champion")
    wanted = state.serving.change.version if state.serving else None
    done = reconcile("m", "champion", keys.trusted())
    wrong += [f"unnamed: {one}" for one in done.unnamed]
    with connected() as server:
        after = aliases_of(server, "m").get("champion")
        ledger = promotions.read(server, "m", "champion", keys.trusted())
    if after != wanted or fold(ledger.entries).applied != state.applied:
        wrong.append(f"the alias stands for {after}, and the ledger serves {wanted}")
    for one in said:
        if one["outcome"] == "promoted":
            applied = state.applied[one["epoch"] - 1].change
            if applied.version != one["version"] or applied.expect_epoch != one["epoch"] - 1:
                wrong.append(f"acknowledged and not applied: {one}")
    return {
        "wrong": wrong, "repaired": int(before != after),
        "entries": len(ledger.entries), "applied": state.epoch,
    }  # fmt: skip


def main() -> None:
    """Race in a folder, for some rounds, from a seed; print what came of it."""
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 - once, before all forks

    tally = race(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(vars(tally)))


if __name__ == "__main__":
    main()
