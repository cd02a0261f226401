"""An endpoint on this machine: what it is asked, and what becomes of every way to answer."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from harness import pictures
from harness.errors import HarnessError, SpecError
from harness.generators.endpoint import Endpoint
from harness.records import Case, Failure, Generated, Image, Prompt
from tests.generators.asking import case
from tests.generators.endpoints import (
    busy,
    events,
    failing,
    options,
    piece,
    reason,
    reset,
    told,
)
from tests.generators.loopback import Asked, Server, Wire, chat, echo, serving


def drawn() -> Image:
    return Image(np.full((4, 4, 3), 9, dtype=np.uint8))


def test_each_case_gets_its_own_answer_in_order_however_many_are_asked_at_once() -> None:
    answers = told(echo, texts=100, max_concurrency=16)
    assert [a.media for a in answers if isinstance(a, Generated)] == [
        f"hi {n}" for n in range(100)
    ]
    assert all(a.tokens == 5 and a.finish == "stop" and a.seconds for a in answers)  # type: ignore[union-attr]


def test_it_sends_the_texts_the_parameters_and_the_seed() -> None:
    asked = Case(
        case_id="c", generator="g", strategy="s", params={"temperature": 0.5, "max_tokens": 9},
        prompt=Prompt(prompt_id="p", text="Hi", system="Be short."), repeat=0, seed=2**40 + 3,
    )  # fmt: skip
    with (
        serving(echo) as server,
        Endpoint(options(server.url, send_seed=True, system="unused")) as endpoint,
    ):
        endpoint.generate([asked])
    (request,) = server.asked
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.body == {
        "model": "m", "temperature": 0.5, "max_tokens": 9, "seed": 3,
        "stream": True, "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"},
        ],
    }  # fmt: skip


def test_the_limit_of_tokens_goes_by_one_name_only() -> None:
    with (
        serving(echo) as server,
        Endpoint(options(server.url, max_tokens_field="max_completion_tokens")) as endpoint,
    ):
        endpoint.generate([case("Hi")])
    assert server.asked[0].body["max_completion_tokens"] == 512
    assert "max_tokens" not in server.asked[0].body


def test_a_stream_is_joined_and_its_first_token_timed() -> None:
    def stream(asked: Asked, wire: Wire) -> None:
        usage = json.dumps(
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
        )
        body = events(piece("Good "), piece("day", "length"), usage, "[DONE]")
        wire.reply(body, kind="text/event-stream; charset=utf-8")

    (answer,) = told(stream)
    assert isinstance(answer, Generated)
    assert (answer.media, answer.tokens, answer.finish) == ("Good day", 2, "length")
    assert answer.first_token_seconds is not None
    assert answer.seconds is not None
    assert 0 < answer.first_token_seconds <= answer.seconds


def test_the_completions_api_is_asked_with_one_text() -> None:
    def complete(asked: Asked, wire: Wire) -> None:
        text = f"<{asked.body['prompt']}>"
        wire.reply(json.dumps({"choices": [{"text": text, "finish_reason": "stop"}]}))

    (answer,) = told(complete, api="completions", system="S")
    assert isinstance(answer, Generated)
    assert answer.media == "<S\n\nhi 0>"


def test_a_picture_in_the_reply_is_decoded() -> None:
    data = base64.b64encode(pictures.encode(drawn())).decode()

    def draw(asked: Asked, wire: Wire) -> None:
        assert asked.body == {"model": "m", "prompt": "hi 0", "response_format": "b64_json"}
        wire.reply(json.dumps({"data": [{"b64_json": data}]}))

    (answer,) = told(draw, api="images")
    assert isinstance(answer, Generated)
    assert isinstance(answer.media, Image)
    assert (answer.media.pixels == drawn().pixels).all()


def test_a_picture_elsewhere_is_never_fetched() -> None:
    with serving(echo) as other:

        def point(asked: Asked, wire: Wire) -> None:
            wire.reply(json.dumps({"data": [{"url": f"{other.url}/cat.png"}]}))

        assert reason(point, api="images").startswith("the picture is at a URL")
    assert other.asked == []


@pytest.mark.parametrize(
    ("data", "said"), [("####", "no base64"), (base64.b64encode(b"GIF").decode(), "broken one")]
)
def test_a_picture_that_is_none_is_a_failure(data: str, said: str) -> None:
    def draw(asked: Asked, wire: Wire) -> None:
        wire.reply(json.dumps({"data": [{"b64_json": data}]}))

    assert said in reason(draw, api="images")


def test_what_passes_is_asked_again_until_it_passes() -> None:
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def flaky(asked: Asked, wire: Wire) -> None:
        text = asked.body["messages"][-1]["content"]
        with lock:
            seen[text] = seen.get(text, 0) + 1
        (reset, failing, busy, echo)[min(seen[text], 4) - 1](asked, wire)

    answers = told(flaky, texts=5, retries=3, max_wait_seconds=0.01)
    assert [a.media for a in answers if isinstance(a, Generated)] == [
        f"hi {n}" for n in range(5)
    ]
    assert set(seen.values()) == {4}


def test_what_never_passes_says_how_often_it_was_asked() -> None:
    assert reason(failing, retries=2, max_wait_seconds=0.01) == "HTTP 500 (asked 3 times)"


def test_what_will_not_pass_is_asked_once() -> None:
    def refuse(asked: Asked, wire: Wire) -> None:
        wire.reply(json.dumps({"error": {"message": "no such model"}}), status=404)

    with serving(refuse) as server, Endpoint(options(server.url, retries=5)) as endpoint:
        (answer,) = endpoint.generate([case("Hi")])
    assert answer == Failure("HTTP 404: no such model")
    assert len(server.asked) == 1


def test_a_budget_that_is_used_up_fails_the_rest_by_name() -> None:
    # Each holds at most 4 + 64 + 10 tokens, and takes 15 as the server counts.
    answers = told(echo, texts=30, max_tokens=10, max_tokens_total=200, max_concurrency=4)
    good = [a for a in answers if isinstance(a, Generated)]
    rest = {a.reason for a in answers if isinstance(a, Failure)}
    assert rest == {"budget exhausted: max_tokens_total 200"}
    assert len(good) == 9  # 8 x 15 = 120 spent, and 200 - 120 - 78 >= 0 once more


def test_a_budget_of_money_holds_over_all_strategies_of_a_run() -> None:
    prices = {"input": 100_000.0, "output": 200_000.0}
    with serving(echo) as server:
        # An answer costs 10 x 0.1 + 5 x 0.2 = 2, and is held at 6.8 + 10 x 0.2 = 8.8 before.
        endpoint = Endpoint(
            options(server.url, max_tokens=10, max_cost=11.0, price_per_million=prices)
        )
        came: list[Generated | Failure] = []
        for _ in range(3):
            with endpoint:
                came += endpoint.generate([case("hi 0")])
    assert [isinstance(one, Generated) for one in came] == [True, True, False]
    assert came[-1] == Failure("budget exhausted: max_cost 11")


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(echo) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        (answer,) = told(echo)
    assert isinstance(answer, Generated)
    assert proxy.asked == []


@pytest.fixture
def rebound(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Answer for `models.example` with these addresses, one a question."""
    queue: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name != "models.example":
            return real(host, port, *args, **kwargs)
        return real(queue.pop(0) if len(queue) > 1 else queue[0], port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield queue


def at_name(server: Server) -> str:
    return f"http://models.example:{server.port}/v1"


def test_a_name_that_leads_to_this_machine_is_refused(rebound: list[str]) -> None:
    rebound.append("127.0.0.1")
    with (
        serving(echo) as server,
        Endpoint(options(at_name(server), hosts=["models.example"])) as endpoint,
    ):
        (answer,) = endpoint.generate([case("Hi")])
    assert isinstance(answer, Failure)
    assert answer.reason.startswith("models.example is at 127.0.0.1, which is not a public")
    assert server.asked == []


def test_a_name_is_resolved_once_a_connection_and_that_address_is_asked(
    rebound: list[str],
) -> None:
    rebound.extend(["127.0.0.1", "127.0.0.2", "169.254.169.254"])
    hosts = ["models.example", "127.0.0.1"]
    with serving(echo) as server, Endpoint(options(at_name(server), hosts=hosts)) as endpoint:
        (first,) = endpoint.generate([case("Hi")])
        assert isinstance(first, Generated)
        assert len(rebound) == 2, "asked once: the connection went to what was checked"
    with serving(echo) as server, Endpoint(options(at_name(server), hosts=hosts)) as endpoint:
        (second,) = endpoint.generate([case("Hi")])
    assert isinstance(second, Failure)
    assert "127.0.0.2" in second.reason
    assert server.asked == []


def test_a_secret_is_sent_and_found_in_no_answer_and_no_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("THE_KEY", "sk-planted-0123456789")

    def gossip(asked: Asked, wire: Wire) -> None:
        key = asked.headers["authorization"]
        if asked.body["messages"][-1]["content"] == "hi 0":
            wire.reply(chat(f"your key is {key}"))
        else:
            wire.reply(json.dumps({"error": {"message": f"bad key {key}"}}), status=401)

    first, second = told(gossip, texts=2, api_key="${env:THE_KEY}")
    assert first == Failure("the endpoint's answer repeats a secret of this suite")
    assert second == Failure("HTTP 401: bad key Bearer [secret]")


def test_a_secret_that_is_not_set_stops_before_anything_is_asked() -> None:
    endpoint = Endpoint(
        options("https://api.example.com/v1", api_key="${env:NOT_SET_ANYWHERE}")
    )
    with pytest.raises(SpecError, match="NOT_SET_ANYWHERE"):
        endpoint.__enter__()


def test_it_says_nothing_before_it_is_opened() -> None:
    with pytest.raises(HarnessError, match="before it was opened"):
        Endpoint(options("https://api.example.com/v1")).generate([case("Hi")])
