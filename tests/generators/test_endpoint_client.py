"""Every way in which an endpoint can fail to answer is a row with a name of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.engine.store import Store
from harness.generators.endpoint import Endpoint
from harness.records import Failure, Generated
from tests.generators.asking import case
from tests.generators.endpoints import busy, events, failing, options, piece, reset, told
from tests.generators.loopback import Asked, Behaviour, Wire, chat, echo, serving


def hang(asked: Asked, wire: Wire) -> None:
    wire.hang()


def close(asked: Asked, wire: Wire) -> None:
    wire.socket.shutdown(socket.SHUT_RDWR)


def html(asked: Asked, wire: Wire) -> None:
    wire.reply("<html>Welcome to our proxy</html>", kind="text/html")


def half(asked: Asked, wire: Wire) -> None:
    wire.reply(chat("hello")[:40])


def short(asked: Asked, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{")
    wire.socket.shutdown(socket.SHUT_RDWR)


def drip(asked: Asked, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
    while not wire.stopped.wait(0.01):
        wire.send(b" ")


def flood(asked: Asked, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1000):
        wire.send(b" " * 1_000_000)


def endless_head(asked: Asked, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        wire.send(b"X-Y: " + b"z" * 1000 + b"\r\n")


def nonsense(asked: Asked, wire: Wire) -> None:
    wire.send(b"220 smtp.example.com ESMTP\r\n\r\n")
    wire.socket.shutdown(socket.SHUT_WR)


def deep(asked: Asked, wire: Wire) -> None:
    wire.reply("[" * 200_000)


def compressed(asked: Asked, wire: Wire) -> None:
    wire.reply(b"\x1f\x8b", Content_Encoding="gzip")


def nothing(asked: Asked, wire: Wire) -> None:
    wire.reply(json.dumps({"choices": [], "object": "x"}))


def withheld(asked: Asked, wire: Wire) -> None:
    choice = {"finish_reason": "content_filter", "message": {"content": "half"}}
    wire.reply(json.dumps({"choices": [choice]}))


def elsewhere(asked: Asked, wire: Wire) -> None:
    wire.reply("", status=307, Location="http://evil.example/v1")


def nearby(asked: Asked, wire: Wire) -> None:
    wire.reply("", status=308, Location="/v2/chat/completions")


def cut_stream(asked: Asked, wire: Wire) -> None:
    wire.reply(events(piece("Good ")), kind="text/event-stream")


def half_stream(asked: Asked, wire: Wire) -> None:
    wire.reply(events(piece("Good ")[:20]), kind="text/event-stream")


def sorry_stream(asked: Asked, wire: Wire) -> None:
    wire.reply(
        events(piece("a"), '{"error": {"message": "no memory"}}'), kind="text/event-stream"
    )


HOSTILE: list[tuple[Behaviour, str]] = [
    (hang, "no whole answer within 0.4 s"),
    (drip, "no whole answer within 0.4 s"),
    (reset, "the connection broke"),
    (close, "the connection broke"),
    (html, "the reply is HTML"),
    (half, "the reply is no whole JSON"),
    (short, "the connection broke (RemoteProtocolError)"),
    (flood, "the reply is longer than 8,388,608 bytes"),
    (endless_head, "the connection broke (RemoteProtocolError)"),
    (nonsense, "the connection broke (RemoteProtocolError)"),
    (deep, "the reply is no whole JSON"),
    (compressed, "the reply is compressed, unasked"),
    (nothing, "the reply holds no text: an object of choices, object"),
    (withheld, "the endpoint's content filter withheld the answer"),
    (busy, "HTTP 429: slow down"),
    (failing, "HTTP 500"),
    (elsewhere, "HTTP 307 redirects to another host, evil.example: not followed"),
    (nearby, "HTTP 308 redirects within the host: name the new path in base_url"),
    (cut_stream, "the stream ended before the answer did"),
    (half_stream, "the stream holds no whole JSON"),
    (sorry_stream, "the stream ended with an error: no memory"),
]


@pytest.mark.parametrize(("behaviour", "said"), HOSTILE)
def test_each_way_to_fail_is_a_row_with_a_name(behaviour: Behaviour, said: str) -> None:
    answers = told(behaviour, texts=3, timeout_seconds=0.4 if "0.4" in said else 20.0)
    reasons = [a.reason for a in answers if isinstance(a, Failure)]
    assert len(reasons) == 3
    assert all(one.startswith(said) for one in reasons), reasons


def test_none_is_lost_or_doubled_where_each_case_fails_in_its_own_way() -> None:
    ways = [behaviour for behaviour, _ in HOSTILE if behaviour is not drip]

    def mixed(asked: Asked, wire: Wire) -> None:
        number = int(asked.body["messages"][-1]["content"].split()[1])
        (echo if number % 2 else ways[number // 2 % len(ways)])(asked, wire)

    answers = told(mixed, texts=4 * len(ways), timeout_seconds=1.0, max_concurrency=8)
    assert len(answers) == 4 * len(ways)
    for number, answer in enumerate(answers):
        if number % 2:
            assert isinstance(answer, Generated)
            assert answer.media == f"hi {number}"
        else:
            assert isinstance(answer, Failure)


def test_the_same_command_asks_only_for_what_failed(tmp_path: Path) -> None:
    broken = True

    def half_the_time(asked: Asked, wire: Wire) -> None:
        odd = asked.body["messages"][-1]["content"] in ("b", "d")
        (reset if broken and odd else echo)(asked, wire)

    with serving(half_the_time) as server:
        suite = tmp_path / "suite.yaml"
        suite.write_text(
            "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: flaky}\ngenerators:\n"
            f"  - use: endpoint\n    options: {{base_url: '{server.url}', model: m, "
            "retries: 0, "
            "hosts: [127.0.0.1], batch: 2}\nprompts:\n  - {items: [a, b, c, d, e]}\n"
            "scorers: [{use: length}]\n"
        )
        _, folder = harness.run(suite, out=tmp_path / "run")
        assert sorted(_kept(folder)) == ["a", "c", "e"]
        broken = False
        harness.run(suite, out=tmp_path / "run")
    assert sorted(_kept(folder)) == ["a", "b", "c", "d", "e"]
    prompts = [one.body["messages"][-1]["content"] for one in server.asked]
    assert sorted(prompts) == ["a", "b", "b", "c", "d", "d", "e"]


def _kept(folder: Path) -> list[str]:
    with Store(folder) as store:
        rows = store.columns("outputs", ("text", "status")).to_pylist()
    return [row["text"] for row in rows if row["status"] == "ok"]


def test_where_nobody_listens_is_said_with_the_reason() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        given = options(f"http://127.0.0.1:{port}/v1")
        with Endpoint(given) as endpoint:
            (answer,) = endpoint.generate([case("hi")])
    said = f"the endpoint 127.0.0.1:{port} cannot be reached: connection refused"
    assert answer == Failure(said)


def test_a_name_that_does_not_resolve_is_said() -> None:
    with Endpoint(options("https://nowhere.invalid/v1")) as endpoint:
        (answer,) = endpoint.generate([case("hi")])
    said = "the endpoint nowhere.invalid:443 cannot be reached: its name does not resolve"
    assert answer == Failure(said)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as at a terminal: a process that runs tests beside others may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("texts", [list("abcdefgh"), list("abcd")])
@pytest.mark.usefixtures("interruptible")
def test_a_run_that_is_stopped_keeps_what_was_answered(
    tmp_path: Path, texts: list[str]
) -> None:
    stopping = True

    def stop_at_c(asked: Asked, wire: Wire) -> None:
        if stopping and asked.body["messages"][-1]["content"] == "c":
            os.kill(os.getpid(), signal.SIGINT)
            wire.hang()
        else:
            echo(asked, wire)

    with serving(stop_at_c) as server:
        suite = tmp_path / "suite.yaml"
        suite.write_text(
            "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: stopped}\ngenerators:\n"
            f"  - use: endpoint\n    options: {{base_url: '{server.url}', model: m, "
            "hosts: [127.0.0.1], batch: 4, max_concurrency: 1}\nprompts:\n"
            f"  - {{items: [{', '.join(texts)}]}}\nscorers: [{{use: length}}]\n"
        )
        with pytest.raises(KeyboardInterrupt):
            harness.run(suite, out=tmp_path / "run")
        before = {one.body["messages"][-1]["content"] for one in server.asked} - {"c"}
        kept = set(_kept(tmp_path / "run"))
        assert kept <= before
        assert len(before - kept) <= 1, "no more than the next one may have been sent"
        stopping = False
        harness.run(suite, out=tmp_path / "run")
    assert sorted(_kept(tmp_path / "run")) == texts
    again = [one.body["messages"][-1]["content"] for one in server.asked]
    assert all(again.count(text) == 1 for text in kept)
