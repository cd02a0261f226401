"""Plug-ins that a Ray worker can import, with planted faults."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from harness.errors import AssetError
from harness.records import Failure


class Worker:
    """Doubles numbers; notes in a folder which process opened it and which closed it."""

    weights: ClassVar[dict[str, str]] = {}
    requires: Sequence[str] = ()

    def __init__(self, notes: Path, broken: str = "") -> None:
        self._notes, self._broken = notes, broken

    def __enter__(self) -> Self:
        if self._broken == "absent":
            raise AssetError("the model is absent", where="model", fix="pull it")
        if self._broken == "deadly":
            os._exit(1)
        (self._notes / f"opened-{os.getpid()}").touch()
        return self

    def __exit__(self, *exc: object) -> None:
        (self._notes / f"closed-{os.getpid()}").touch()

    def double(self, items: Sequence[int]) -> list[int | Failure]:
        return [2 * item for item in items]

    def double_even(self, items: Sequence[int]) -> list[int | Failure]:
        if any(item % 2 for item in items):
            raise ValueError("odd")
        return self.double(items)

    def die_once(self, items: Sequence[int]) -> list[int | Failure]:
        """Kill the process on the first call with a 5; the next one finds the note."""
        note = self._notes / "died"
        if 5 in items and not note.exists():
            note.touch()
            os._exit(1)
        return self.double(items)

    def die_of_five(self, items: Sequence[int]) -> list[int | Failure]:
        if 5 in items:
            os._exit(1)
        return self.double(items)

    def sleep_on_five(self, items: Sequence[int]) -> list[int | Failure]:
        if 5 in items:
            time.sleep(600)
        return self.double(items)

    def unsendable(self, items: Sequence[int]) -> list[object]:
        return [threading.Lock() for _ in items]

    def await_note(self, items: Sequence[int]) -> list[int | Failure]:
        """Wait until the test has cut the node off; only the first call does."""
        begun, cut = self._notes / "begun", self._notes / "cut"
        if 5 in items and not begun.exists():
            import ray

            (self._notes / "node").write_text(ray.get_runtime_context().get_node_id())
            begun.touch()
            for _ in range(600):
                if cut.exists():
                    break
                threading.Event().wait(0.1)
        return self.double(items)
