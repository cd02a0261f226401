"""A program at work: asked a line, heard for a line, killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.errors import SpecError
from harness.generators.command_replies import last_words, read, shortened
from harness.records import Case, Failure, Generated, Modality
from harness.spec.secret import Secrets

MAX_LINE = 96 * 2**20
"""The most bytes of one answer: a picture of 64 MiB in base64, and some."""
_CHUNK = 2**16
_TAIL_BYTES = 4096
_TOLD_CHARACTERS = 200
_QUOTED_CHARACTERS = 60
_ENDING_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How the program is started, and the seconds it may take for an answer."""

    argv: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]
    seconds: float


class _DiedError(Exception):
    """The program ended before it had answered."""


class _UnfitError(Exception):
    """The program is late or out of step, so nothing it says later can be trusted."""


class Process:
    """The program, with a process group of its own so that its children end with it."""

    def __init__(self, launch: Launch, secrets: Secrets) -> None:
        self._launch, self._secrets = launch, secrets
        self._child: subprocess.Popen[bytes] | None = None
        self._heard = bytearray()
        self._complaints = b""

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    def answer(self, case: Case, modality: Modality) -> Generated | Failure:
        """Ask for one case; a program that dies of it is asked once more, from its start."""
        started = time.perf_counter()
        try:
            try:
                line = self._ask(case)
            except _DiedError:
                line = self._ask(case)
            found = read(line, case.case_id, modality, self._launch.folder)
        except (_DiedError, _UnfitError) as error:
            self._stop()
            return Failure(self._told(str(error)))
        except ValueError as error:
            self._stop()
            said = self._secrets.masked(line.decode("utf-8", "replace"))
            return Failure(f"{error}: {shortened(said, _QUOTED_CHARACTERS)!r}")
        if isinstance(found, str):
            return Failure(shortened(self._secrets.masked(found), _TOLD_CHARACTERS))
        if isinstance(found, Failure):
            return found
        if isinstance(found.media, str) and self._secrets.found_in(found.media):
            return Failure("the program's answer repeats a secret of this suite")
        seconds = time.perf_counter() - started
        return Generated(media=found.media, tokens=found.tokens, seconds=seconds)

    def _ask(self, case: Case) -> bytes:
        """Send a case and wait for a line, in one span of time.

        Raises:
            _DiedError: The program ended instead.
            _UnfitError: It is late, says too much, or spoke before it was asked.
        """
        until = time.monotonic() + self._launch.seconds
        child = self._running()
        asked = {
            "case_id": case.case_id, "prompt": case.prompt.text, "system": case.prompt.system,
            "params": dict(case.params), "seed": case.seed,
        }  # fmt: skip
        rest = memoryview(json.dumps(asked).encode() + b"\n")
        while (end := self._heard.find(b"\n")) < 0:
            if len(self._heard) > MAX_LINE:
                raise _UnfitError(f"it wrote a line of more than {MAX_LINE:,} bytes")
            rest = self._exchange(child, rest, until)
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        if rest:
            raise _UnfitError("it answered before it had read the whole case")
        return line

    def _exchange(
        self, child: subprocess.Popen[bytes], rest: memoryview, until: float
    ) -> memoryview:
        """Write what it takes, read what it says, whichever is possible first."""
        if child.stdin is None or child.stdout is None or child.stderr is None:
            raise _DiedError("it has no standard streams")
        with selectors.DefaultSelector() as waiting:
            waiting.register(child.stdout, selectors.EVENT_READ)
            waiting.register(child.stderr, selectors.EVENT_READ)
            if rest:
                waiting.register(child.stdin, selectors.EVENT_WRITE)
            ready = waiting.select(max(0.0, until - time.monotonic()))
        if not ready:
            raise _UnfitError(f"no answer within {self._launch.seconds:g} s")
        for key, _ in ready:
            if key.fileobj is child.stdin:
                rest = rest[self._write(child.stdin.fileno(), rest) :]
            elif key.fileobj is child.stderr:
                self._complain(child.stderr.fileno())
            else:
                self._hear(child.stdout.fileno())
        return rest

    def _write(self, pipe: int, data: memoryview) -> int:
        try:
            return os.write(pipe, data[:_CHUNK])
        except BlockingIOError:
            return 0
        except BrokenPipeError as error:
            raise _DiedError(self._ended()) from error

    def _hear(self, pipe: int) -> None:
        data = os.read(pipe, _CHUNK)
        if not data:
            raise _DiedError(self._ended())
        self._heard += data

    def _complain(self, pipe: int) -> None:
        data = os.read(pipe, _CHUNK)
        self._complaints = (self._complaints + data)[-_TAIL_BYTES:]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            return self._start()
        if self._child.poll() is not None:
            self._stop()
            return self._start()
        return self._child

    def _start(self) -> subprocess.Popen[bytes]:
        launch = self._launch
        pipe = subprocess.PIPE
        try:
            self._child = subprocess.Popen(  # noqa: S603 - the suite says so: `allow_code`
                launch.argv, cwd=launch.folder, env=dict(launch.environ), bufsize=0,
                stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise SpecError(
                f"the program cannot be started: {error.strerror}",
                where=launch.argv[0],
                fix="name a program on the PATH, or one in the suite's folder as ./name",
            ) from error
        for stream in (self._child.stdin, self._child.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        self._heard.clear()
        self._complaints = b""
        return self._child

    def _ended(self) -> str:
        """Say how it ended, once it has; called where it closed its end."""
        child = self._child
        if child is None:
            return "it ended"
        try:
            code = child.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            said = "it closed its standard output"
        else:
            said = f"it ended with code {code}"
        if child.stderr is not None:
            with contextlib.suppress(BlockingIOError):
                self._complain(child.stderr.fileno())
        self._stop()
        return said

    def _stop(self) -> None:
        """Kill it, and all that it started; ended already or not."""
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _told(self, said: str) -> str:
        """What happened, with the end of what it wrote to standard error."""
        complaints = self._secrets.masked(self._complaints.decode("utf-8", "replace"))
        tail = last_words(complaints, _TOLD_CHARACTERS)
        text = f"the program failed: {said}"
        return f"{text}; {tail}" if tail else text
