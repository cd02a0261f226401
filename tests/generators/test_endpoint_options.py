"""What a suite may say of an endpoint, and what is refused before anything is asked."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import SpecError
from harness.generators.endpoint import Endpoint
from tests.generators.endpoints import options


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"api_key": "sk-literal-key"}, "write .{env:NAME}"),
        ({"model": "${env:MODEL}"}, "only in 'api_key' and 'headers'"),
        ({"system": "You are ${env:WHO}"}, "only in 'api_key' and 'headers'"),
        ({"hosts": ["${env:HOST}"]}, "only in 'api_key' and 'headers'"),
        ({"headers": {"X-Api-Key": "literal"}}, "is a secret"),
        ({"headers": {"Host": "a"}}, "cannot set"),
        ({"headers": {"X-A": "a\r\nX-B: c"}}, "no header can"),
        ({"base_url": "http://api.example.com/v1"}, "without TLS"),
        ({"base_url": "https://user:pw@api.example.com"}, "password"),
        ({"base_url": "https://api.example.com/v1?key=1"}, "query"),
        ({"base_url": "file:///etc/passwd"}, "no address such as"),
        ({"base_url": "https://169.254.169.254/v1"}, "not a public address"),
        ({"base_url": "https://10.0.0.1/v1"}, "not a public address"),
        ({"hosts": ["http://a"]}, "no host name"),
        ({"max_cost": 1.0}, "needs `price_per_million`"),
        ({"api": "images", "max_tokens_total": 5}, "not known before"),
        ({"api": "images", "system": "S"}, "takes no `system`"),
    ],
)
def test_options_that_are_unsafe_or_at_odds_are_refused(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        options("https://api.example.com/v1", **given)
    assert "sk-literal-key" not in str(caught.value.errors()[0]["msg"])


def test_unknown_parameters_are_refused_with_a_hint_and_the_list() -> None:
    endpoint = Endpoint(options("https://api.example.com/v1"))
    endpoint.check({"temperature": 0.7, "top_p": 0.9, "stop": "\n"})
    with pytest.raises(
        SpecError, match=r"did you mean 'temperature'.*they are temperature, top_p"
    ):
        endpoint.check({"temperatur": 0.7})
    with pytest.raises(SpecError, match="no parameter of chat is called 'n'"):
        endpoint.check({"n": 2})
    with pytest.raises(SpecError, match="greater than or equal to 0"):
        endpoint.check({"temperature": -1.0})


def test_it_travels_to_a_worker_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "sk-planted-0123456789")
    endpoint = Endpoint(options("https://api.example.com/v1", api_key="${env:THE_KEY}"))
    with endpoint:
        pass
    data = pickle.dumps(endpoint)
    assert b"planted" not in data
    assert pickle.loads(data).batch == endpoint.batch  # noqa: S301 - made a line above


def test_it_says_which_secrets_it_needs() -> None:
    headers = {"X-Api-Key": "${env:OTHER}"}
    needing = options("https://a.example.com/v1", api_key="${env:THE_KEY}", headers=headers)
    assert list(Endpoint(needing).secrets) == ["${env:THE_KEY}", "${env:OTHER}"]
