"""A server on this machine that answers as a test says, down to the bytes and the hangs."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: Any


@dataclass
class Wire:
    """One request's connection, on which anything can be written."""

    socket: socket.socket
    stopped: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(
        self, body: bytes | str, status: int = 200, kind: str = "application/json", **heads: str
    ) -> None:
        """Send a whole, well-formed reply."""
        data = body.encode() if isinstance(body, str) else body
        extra = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in heads.items())
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(data)}\r\n{extra}\r\n"
        )
        self.send(head.encode() + data)

    def hang(self) -> None:
        """Say nothing until the server stops or the other side goes."""
        self.stopped.wait(30)

    def reset(self) -> None:
        """Break the connection off, as a killed process does."""
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # Closed below the file objects on it, which would keep it open.
        os.close(self.socket.detach())


Behaviour = Callable[[Asked, Wire], None]


@dataclass
class Server:
    """A running server, and all that it was asked."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"


def chat(text: str, **more: Any) -> str:
    """A reply of the chat API."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": text}}
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    return json.dumps({"choices": [choice], "usage": usage, **more})


def echo(asked: Asked, wire: Wire) -> None:
    """Answer with the prompt."""
    wire.reply(chat(asked.body["messages"][-1]["content"]))


@contextmanager
def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server that treats each request this way, behind TLS where it is given any."""
    stopped = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while not stopped.is_set() and (asked := _read(self.rfile)):
                    server.asked.append(asked)
                    behaviour(asked, Wire(self.connection, stopped))

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

    class Threads(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        request_queue_size = 128

        def get_request(self) -> tuple[socket.socket, Any]:
            plain, peer = super().get_request()
            # A handshake that fails is an OSError: no request, and the next one is awaited.
            return (tls.wrap_socket(plain, server_side=True) if tls else plain), peer

    with Threads(("127.0.0.1", 0), Handler) as tcp:
        server = Server(tcp.server_address[1], scheme="https" if tls else "http")
        thread = threading.Thread(target=tcp.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            stopped.set()
            tcp.shutdown()
            thread.join()


def _read(file: Any) -> Asked | None:
    line = file.readline(65536).decode("latin-1").strip()
    if not line:
        return None
    headers: dict[str, str] = {}
    while text := file.readline(65536).decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = file.read(int(headers.get("content-length", "0")))
    return Asked(line, headers, json.loads(body) if body else None)
