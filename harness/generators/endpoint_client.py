"""One request to an endpoint: sent once, read within caps, and never followed elsewhere."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import anyio
import httpcore2

from harness.generators.endpoint_hosts import HostError, Site
from harness.generators.endpoint_replies import (
    Answer,
    Trouble,
    complaint,
    image_answer,
    parsed,
    text_answer,
)
from harness.generators.endpoint_requests import PATHS
from harness.generators.endpoint_sockets import UnreachableError
from harness.generators.endpoint_streams import Stream
from harness.generators.endpoint_trust import refusal

_CONNECT_SECONDS = 10.0
_ERROR_BYTES = 64 * 2**10
_TAIL_SECONDS = 1.0
_TOO_MUCH = frozenset({408, 425, 429, 503, 529})
_PASSING = _TOO_MUCH | {500, 502, 504}
# What the connection may die of: its own kinds, and the system's below them.
_BROKEN = (httpcore2.NetworkError, httpcore2.ProtocolError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that one reply may take: seconds in all, and bytes."""

    seconds: float
    bytes: int


class _TooLongError(Exception):
    """The reply is longer than it may be."""


class Client:
    """Asks one address of one site."""

    def __init__(
        self,
        pool: httpcore2.AsyncConnectionPool,
        where: Site,
        path: str,
        headers: Mapping[str, str],
        caps: Caps,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._pool, self._site, self._caps, self._clock = pool, where, caps, clock
        self._url = httpcore2.URL(
            scheme=where.scheme.encode(),
            host=where.host.encode(),
            port=where.port,
            target=(where.path + path).encode(),
        )
        self._images = path == PATHS["images"]
        fixed = {
            "Host": where.authority,
            "Content-Type": "application/json",
            # A compressed reply could be small on the wire and fill the memory here.
            "Accept-Encoding": "identity",
            "User-Agent": "harness",
        }
        self._headers = [(k.encode(), v.encode()) for k, v in {**fixed, **headers}.items()]

    async def ask(self, body: Mapping[str, object]) -> Answer | Trouble:
        """Send one request; whatever comes of it comes back, in words if it is no answer.

        The words of an error of the connection are not passed on: they may quote headers.
        """
        try:
            with anyio.fail_after(self._caps.seconds):
                return await self._exchange(json.dumps(body).encode())
        except httpcore2.ConnectTimeout:
            said = f"the endpoint {self._site.authority} cannot be reached: TLS takes too long"
            return Trouble(reason=said, again=True, slower=True)
        except (TimeoutError, httpcore2.TimeoutException):
            said = f"no whole answer within {self._caps.seconds:g} s"
            return Trouble(reason=said, again=True, slower=True, charged=True)
        except HostError as error:
            return Trouble(reason=str(error))
        except _TooLongError:
            said = f"the reply is longer than {self._caps.bytes:,} bytes"
            return Trouble(reason=said, charged=True)
        except _BROKEN as error:
            return _broken(error, self._site)

    async def _exchange(self, body: bytes) -> Answer | Trouble:
        started = self._clock()
        length = (b"Content-Length", str(len(body)).encode())
        async with self._pool.stream(
            b"POST", self._url, headers=[*self._headers, length], content=body,
            extensions={"timeout": {"connect": min(_CONNECT_SECONDS, self._caps.seconds)}},
        ) as response:  # fmt: skip
            heads = {
                k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.headers
            }
            if response.status != 200:
                return await self._refused(response, heads)
            if heads.get("content-encoding", "identity") != "identity":
                return Trouble(reason="the reply is compressed, unasked", charged=True)
            return await self._read(response, heads, started)

    async def _read(
        self, response: httpcore2.Response, heads: Mapping[str, str], started: float
    ) -> Answer | Trouble:
        kind = heads.get("content-type", "").partition(";")[0].strip().lower()
        async with aclosing(self._chunks(response)) as chunks:
            if kind == "text/event-stream":
                return await self._streamed(chunks, started)
            data = b"".join([chunk async for chunk in chunks])
        seconds = self._clock() - started
        reply = parsed(data)
        if reply is None:
            what = "HTML" if kind == "text/html" else "no whole JSON"
            return Trouble(reason=f"the reply is {what}", charged=True)
        found = image_answer(reply) if self._images else text_answer(reply)
        return replace(found, seconds=seconds) if isinstance(found, Answer) else found

    async def _streamed(
        self, chunks: AsyncGenerator[bytes, None], started: float
    ) -> Answer | Trouble:
        stream = Stream()
        async for chunk in chunks:
            if stream.feed(chunk, self._clock() - started):
                break
        answer = stream.answer()
        if isinstance(answer, Answer):
            # Nothing more is needed, but a connection that is read to its end is used again.
            with anyio.move_on_after(_TAIL_SECONDS):
                async for _ in chunks:
                    pass
        return answer

    async def _chunks(self, response: httpcore2.Response) -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in response.aiter_stream():
            size += len(chunk)
            if size > self._caps.bytes:
                raise _TooLongError
            yield chunk

    async def _refused(self, response: httpcore2.Response, heads: Mapping[str, str]) -> Trouble:
        status = response.status
        if 300 <= status < 400:
            return Trouble(reason=self._redirected(status, heads.get("location", "")))
        data = b""
        async for chunk in response.aiter_stream():
            data += chunk
            if len(data) > _ERROR_BYTES:
                break
        said = complaint(data)
        return Trouble(
            reason=f"HTTP {status}: {said}" if said else f"HTTP {status}",
            again=status in _PASSING,
            slower=status in _TOO_MUCH,
            wait=_asked_wait(heads),
        )

    def _redirected(self, status: int, location: str) -> str:
        try:
            to = urlsplit(location)
            scheme, host = to.scheme, to.hostname
        except ValueError:
            scheme, host = "", "nowhere"
        if self._site.scheme == "https" and scheme == "http":
            return f"HTTP {status} redirects to http, without TLS: not followed"
        if host in (None, self._site.host):
            return f"HTTP {status} redirects within the host: name the new path in base_url"
        return f"HTTP {status} redirects to another host, {str(host)[:80]}: not followed"


def _broken(error: Exception, where: Site) -> Trouble:
    """Say how a connection failed, without the library's own words."""
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Trouble(reason=f"the endpoint's TLS certificate is refused: {refusal(cause)}")
    if isinstance(cause, ssl.SSLError):
        return Trouble(reason="the endpoint's TLS is refused: it speaks none that is safe")
    if isinstance(error, httpcore2.ConnectError):
        why = str(error) if isinstance(error, UnreachableError) else "TLS was broken off"
        said = f"the endpoint {where.authority} cannot be reached: {why}"
        return Trouble(reason=said, again=True)
    said = f"the connection broke ({type(error).__name__})"
    return Trouble(reason=said, again=True, charged=True)


def _asked_wait(heads: Mapping[str, str]) -> float | None:
    """The seconds that `Retry-After` asks for, from a number or a date."""
    text = heads.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
