"""An endpoint on this machine, and what comes of asking it."""

from __future__ import annotations

import json
from typing import Any

from harness.generators.endpoint import Endpoint
from harness.generators.endpoint_options import Options
from harness.records import Failure, Generated
from tests.generators.asking import case
from tests.generators.loopback import Asked, Behaviour, Wire, serving

HOSTS = ("127.0.0.1",)


def options(url: str, **more: Any) -> Options:
    given = {"base_url": url, "model": "m", "hosts": list(HOSTS), "retries": 0, **more}
    return Options.model_validate_json(json.dumps(given))


def told(behaviour: Behaviour, texts: int = 1, **more: Any) -> list[Generated | Failure]:
    """What comes of so many cases."""
    with serving(behaviour) as server, Endpoint(options(server.url, **more)) as endpoint:
        return list(endpoint.generate([case(f"hi {n}") for n in range(texts)]))


def reason(behaviour: Behaviour, **more: Any) -> str:
    (answer,) = told(behaviour, **more)
    assert isinstance(answer, Failure)
    return answer.reason


def events(*data: str, end: str = "\n\n") -> str:
    return "".join(f"data: {one}{end}" for one in data)


def piece(text: str, finish: str | None = None) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": finish}]})


def reset(asked: Asked, wire: Wire) -> None:
    wire.reset()


def busy(asked: Asked, wire: Wire) -> None:
    wire.reply(json.dumps({"error": {"message": "slow\ndown"}}), status=429, Retry_After="1")


def failing(asked: Asked, wire: Wire) -> None:
    wire.reply("<h1>oops</h1>", status=500, kind="text/html")
