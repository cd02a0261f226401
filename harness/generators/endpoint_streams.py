"""An answer that comes piece by piece, as server-sent events.

Source: WHATWG HTML Living Standard, section 9.2, server-sent events.
"""

from __future__ import annotations

from harness.generators.endpoint_replies import Answer, Trouble, answered, at, complaint, parsed

_CUT = Trouble(reason="the stream ended before the answer did", again=True, charged=True)


class Stream:
    """Reads events as they come: joins the pieces, and notes when the first one came."""

    def __init__(self) -> None:
        self._rest = b""
        self._pieces: list[str] = []
        self._finish: object = None
        self._usage: object = None
        self._done = False
        self._trouble: Trouble | None = None
        self._first: float | None = None
        self._last = 0.0

    def feed(self, data: bytes, seconds: float) -> bool:
        """Take what has arrived `seconds` after the request; true when no more is needed."""
        self._last = seconds
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.removesuffix(b"\r"), seconds)
        return self._done or self._trouble is not None

    def answer(self) -> Answer | Trouble:
        """What it came to. One that nobody ended is no answer, however long it is."""
        if self._trouble is not None:
            return self._trouble
        if not self._done and self._finish is None:
            return _CUT
        whole = answered("".join(self._pieces), self._finish, {"usage": self._usage})
        if isinstance(whole, Trouble):
            return whole
        return Answer(
            media=whole.media,
            finish=whole.finish,
            tokens_in=whole.tokens_in,
            tokens_out=whole.tokens_out,
            seconds=self._last,
            first_token_seconds=self._first,
        )

    def _line(self, line: bytes, seconds: float) -> None:
        if self._done or self._trouble is not None or not line.startswith(b"data:"):
            return
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            self._done = True
            return
        event = parsed(data)
        if not isinstance(event, dict):
            self._trouble = Trouble(reason="the stream holds no whole JSON", charged=True)
        elif event.get("error") is not None:
            said = complaint(data)
            self._trouble = Trouble(
                reason=f"the stream ended with an error{': ' if said else ''}{said}",
                again=True,
                charged=True,
            )
        else:
            self._event(event, seconds)

    def _event(self, event: object, seconds: float) -> None:
        choice = at(event, "choices", 0)
        found = (
            at(choice, "delta", "content"),
            at(choice, "delta", "refusal"),
            at(choice, "text"),
        )
        piece = next((one for one in found if isinstance(one, str) and one), "")
        if piece:
            self._first = seconds if self._first is None else self._first
            self._pieces.append(piece)
        self._finish = at(choice, "finish_reason") or self._finish
        self._usage = at(event, "usage") or self._usage
