"""An endpoint gets a secret only behind a certificate that this machine trusts for its name."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from pathlib import Path

import pytest

import harness
from harness.engine.store import Store
from harness.errors import SpecError
from harness.generators import endpoint_client
from harness.generators.endpoint import Endpoint
from harness.records import Failure, Generated
from tests.generators.asking import case
from tests.generators.certificates import Authority
from tests.generators.endpoints import options
from tests.generators.loopback import Asked, Server, Wire, echo, serving

SECRET = "sk-planted-5d20c7e1f4"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", SECRET)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this machine trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


def asked(url: str, retries: int = 2) -> Generated | Failure:
    """What comes of one case that is asked for with a secret in two headers."""
    headers = {"x-api-key": "${env:THE_KEY}"}
    how = options(
        url, api_key="${env:THE_KEY}", headers=headers, hosts=["127.0.0.1", "localhost"],
        retries=retries,
    )  # fmt: skip
    with Endpoint(how) as endpoint:
        (answer,) = endpoint.generate([case("hi")])
    return answer


def refused(context: ssl.SSLContext, host: str = "127.0.0.1") -> str:
    """Ask a server that must not hear anything, and give the reason of the failure."""
    with serving(echo, context) as server:
        answer = asked(server.url.replace("127.0.0.1", host))
    assert server.asked == []
    assert isinstance(answer, Failure)
    assert SECRET not in answer.reason
    return answer.reason


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_authority_that_the_machine_trusts_lets_answers_through(
    authority: Authority, host: str
) -> None:
    with serving(echo, authority.server(host)) as server:
        answer = asked(server.url.replace("127.0.0.1", host))
    assert isinstance(answer, Generated)
    assert answer.media == "hi"
    assert [one.headers["authorization"] for one in server.asked] == [f"Bearer {SECRET}"]


def test_authorities_are_read_once_and_not_for_every_connection(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        serving(echo, authority.server()) as server,
        Endpoint(options(server.url, max_concurrency=4)) as endpoint,
    ):
        monkeypatch.setenv("SSL_CERT_FILE", "gone.pem")
        answers = endpoint.generate([case(f"hi {n}") for n in range(20)])
    assert [isinstance(one, Generated) for one in answers] == [True] * 20


def test_an_unknown_authority_is_sent_no_secret(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"), name="stranger")
    said = refused(other.server())
    assert said.startswith("the endpoint's TLS certificate is refused: unable to get local")
    assert "SSL_CERT_FILE names the authorities" in said


def test_an_authority_of_the_same_name_with_another_key_is_sent_no_secret(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    impostor = Authority(tmp_path_factory.mktemp("impostor"))
    assert "TLS certificate is refused" in refused(impostor.server())


def test_a_company_s_own_authority_is_unknown_until_it_is_named(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "SSL_CERT_FILE names the authorities" in refused(authority.server())


@pytest.mark.parametrize(
    ("named", "host", "said"),
    [
        ("other.example.com", "127.0.0.1", "IP address mismatch"),
        ("other.example.com", "localhost", "Hostname mismatch"),
        ("127.0.0.2", "127.0.0.1", "IP address mismatch"),
        ("localhost.example.com", "localhost", "Hostname mismatch"),
    ],
)
def test_a_certificate_for_another_host_is_sent_no_secret(
    authority: Authority, named: str, host: str, said: str
) -> None:
    reason = refused(authority.server(named), host)
    assert reason.startswith(f"the endpoint's TLS certificate is refused: {said}")
    assert "SSL_CERT_FILE" not in reason


def test_an_expired_certificate_is_sent_no_secret(authority: Authority) -> None:
    said = "the endpoint's TLS certificate is refused: certificate has expired"
    assert refused(authority.server(days=-1)) == said


def test_a_server_without_tls_behind_an_https_address_is_sent_no_secret(
    authority: Authority,
) -> None:
    heard: list[bytes] = []

    class Plain(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.request.recv(65536))
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Plain) as tcp:
        thread = threading.Thread(target=tcp.serve_forever, args=(0.01,))
        thread.start()
        answer = asked(f"https://127.0.0.1:{tcp.server_address[1]}/v1")
        tcp.shutdown()
        thread.join()
    assert isinstance(answer, Failure)
    assert answer.reason == "the endpoint's TLS is refused: it speaks none that is safe"
    assert len(heard) == 1
    assert SECRET.encode() not in heard[0]


def test_a_server_that_never_shakes_hands_is_unreachable_and_bills_nothing(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_client, "_CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        budget = {"max_tokens": 10, "max_tokens_total": 100}
        with Endpoint(options(f"https://{where}/v1", **budget)) as endpoint:
            answers = endpoint.generate([case(f"hi {n}") for n in range(12)])
    said = f"the endpoint {where} cannot be reached: TLS takes too long"
    assert answers == [Failure(said)] * 12


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_redirect_to_http_is_not_followed(
    authority: Authority, status: int, host: str
) -> None:
    def away(asked: Asked, wire: Wire) -> None:
        wire.reply("", status=status, Location=plain.url.replace("127.0.0.1", host))

    plain: Server
    with serving(echo) as plain, serving(away, authority.server()) as server:
        answer = asked(server.url)
    assert plain.asked == []
    assert len(server.asked) == 1
    said = f"HTTP {status} redirects to http, without TLS: not followed"
    assert isinstance(answer, Failure)
    assert answer.reason == said


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----"])
def test_authorities_that_cannot_be_read_end_it_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    named = tmp_path / "company.pem"
    if content is not None:
        named.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(named))
    with pytest.raises(SpecError, match="authorities cannot be read") as caught:
        asked("https://127.0.0.1:9/v1")
    assert caught.value.where == str(named)


def test_no_option_switches_it_off() -> None:
    names = set(Endpoint.Options.model_fields)
    assert not {n for n in names if any(w in n for w in ("verify", "tls", "ssl", "insecure"))}


def test_a_refused_certificate_is_a_named_row_of_the_run(
    authority: Authority, tmp_path: Path
) -> None:
    suite = tmp_path / "suite.yaml"
    with serving(echo, authority.server(days=-1)) as server:
        what = {
            "base_url": server.url, "hosts": ["127.0.0.1"], "model": "m",
            "api_key": "${env:THE_KEY}",
        }  # fmt: skip
        suite.write_text(
            "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: s}\n"
            f"generators: {json.dumps([{'use': 'endpoint', 'options': what}])}\n"
            "prompts: [{items: [hi]}]\nscorers: [{use: length}]\n"
        )
        _, folder = harness.run(suite, out=tmp_path / "run")
    (row,) = Store(folder).columns("outputs", ("status", "error")).to_pylist()
    assert row["status"] == "error"
    assert row["error"] == "the endpoint's TLS certificate is refused: certificate has expired"
    assert server.asked == []
