"""A secret that is sent to a hostile endpoint lies in nothing that a gate leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from tests.generators.loopback import Asked, Wire, chat, serving

SECRET = "sk-planted-8c1f2e9a7b"
SUITE = """
apiVersion: harness/v1
kind: Suite
metadata: {name: secretive}
generators:
  - use: endpoint
    options:
      base_url: URL
      hosts: [127.0.0.1]
      model: m
      retries: 0
      api_key: ${env:PLANTED_KEY}
      headers:
        x-api-key: ${env:PLANTED_KEY}
prompts:
  - {items: [good, gossip, error, reset, redirect]}
scorers: [{use: length}, {use: latency}]
"""
POLICY = """
apiVersion: harness/v1
kind: Policy
metadata: {name: p, version: 1.0.0}
rules:
  - id: words
    require: {metric: length.words, op: ">=", value: 1}
"""


def hostile(asked: Asked, wire: Wire) -> None:
    key = asked.headers["authorization"]
    prompt = asked.body["messages"][-1]["content"]
    if prompt == "good":
        wire.reply(chat("hello"))
    elif prompt == "gossip":
        wire.reply(chat(f"you sent {key}"))
    elif prompt == "error":
        wire.reply(json.dumps({"detail": f"no {key} here"}), status=403)
    elif prompt == "redirect":
        wire.reply("", status=302, Location=f"https://{SECRET}.evil.example/?{SECRET}")
    else:
        wire.reset()


def texts(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*")):
        if path.suffix == ".parquet":
            yield str(path), str(pq.read_table(path).to_pylist())
        elif path.is_file():
            yield str(path), path.read_bytes().decode("latin-1")


def test_no_sink_holds_it(tmp_path: Path) -> None:
    with serving(hostile) as server:
        (tmp_path / "suite.yaml").write_text(SUITE.replace("URL", server.url))
        (tmp_path / "policy.yaml").write_text(POLICY)
        code = "import sys; from harness.cli import main; sys.exit(main(sys.argv[1:]))"
        argv = ["gate", "suite.yaml", "--policy", "policy.yaml", "--out", "run"]
        environ = {
            **os.environ, "PLANTED_KEY": SECRET, "PYTHONPATH": os.pathsep.join(sys.path),
            "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code, *argv],
            cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode in (1, 2), done.stderr
    assert len(server.asked) == 5
    assert all(one.headers["authorization"] == f"Bearer {SECRET}" for one in server.asked)
    assert all(one.headers["x-api-key"] == SECRET for one in server.asked)
    found = dict(texts(tmp_path))
    assert any("mlflow.db" in name for name in found)
    assert any("${env:PLANTED_KEY}" in text for text in found.values())
    assert [name for name, text in found.items() if SECRET in text] == []
    assert SECRET not in done.stdout + done.stderr
