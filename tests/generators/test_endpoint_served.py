"""A real server, `transformers serve` with SmolLM2 on this machine, gated from a suite."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import harness
from harness.encoders.language_model import LanguageModel, find
from harness.engine.store import Store

_STARTING_SECONDS = 240
SUITE = """
apiVersion: harness/v1
kind: Suite
metadata: {{name: served}}
generators:
  - name: served
    use: endpoint
    options:
      base_url: http://127.0.0.1:{port}/v1
      hosts: [127.0.0.1]
      model: {model}
      api_key: ${{env:SERVED_KEY}}
      max_tokens: 8
      max_concurrency: 3
      max_tokens_total: 100000
strategies:
  - {{name: greedy, params: {{temperature: 0.0}}}}
prompts:
  - {{items: [Say hello., Name a colour., Count to three.]}}
scorers: [{{use: length}}, {{use: latency}}]
"""


@pytest.fixture(scope="module")
def model(assets: Callable[[str], Path]) -> str:
    """Give the folder of SmolLM2 as transformers loads it; made from the asset once."""
    assets("smollm2-135m-instruct")
    with LanguageModel(find("smollm2-135m-instruct", None), "float32", "cpu") as opened:
        return str(opened.model.name_or_path)


@pytest.fixture(scope="module")
def port(model: str) -> Iterator[int]:
    """Serve it until the tests are done."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    code = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    argv = [sys.executable, "-c", code, "serve", model, "--host", "127.0.0.1"]
    argv += ["--port", str(number), "--device", "cpu", "--dtype", "float32"]
    server = subprocess.Popen(
        argv, env={**os.environ, "HF_HUB_OFFLINE": "1"}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        _await(number, server)
        yield number
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTING_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            if server.poll() is not None:
                told = server.stderr.read().decode() if server.stderr else ""
                pytest.fail(f"transformers serve ended (needs the dev extras): {told[-400:]}")
            time.sleep(0.2)
    pytest.fail("transformers serve did not start")


def test_a_served_model_is_gated_and_says_what_it_says_when_loaded(
    tmp_path: Path, port: int, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVED_KEY", "not-checked-by-this-server")
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE.format(port=port, model=model))
    run, folder = harness.run(suite, out=tmp_path / "served")
    with Store(folder) as store:
        rows = store.columns(
            "outputs", ("status", "text", "tokens", "seconds", "first_token_seconds")
        )
    table = rows.to_pylist()
    assert [row["status"] for row in table] == ["ok"] * 3
    assert all(0 < row["tokens"] <= 8 for row in table)
    assert all(0 < row["first_token_seconds"] < row["seconds"] for row in table)
    assert {m.name for m in run.metrics} >= {"latency.first_token_p50", "length.words"}
    suite.write_text(
        suite.read_text().split("generators:")[0]
        + "generators: [{use: transformers, options: {model: smollm2-135m-instruct, "
        + "dtype: float32, device: cpu, max_new_tokens: 8}}]\n"
        + "prompts:\n  - {items: [Say hello., Name a colour., Count to three.]}\n"
        + "scorers: [{use: length}]\n"
    )
    _, loaded = harness.run(suite, out=tmp_path / "loaded")
    with Store(loaded) as store:
        texts = store.columns("outputs", ("text",)).to_pylist()
    assert sorted(row["text"] for row in texts) == sorted(row["text"].strip() for row in table)
