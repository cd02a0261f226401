"""vLLM is told to keep off the network, and the environment is put back."""

from __future__ import annotations

import os

import pytest

from harness.generators.vllm_engine import _environment


def test_the_environment_is_set_only_while_vllm_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    monkeypatch.delenv("VLLM_NO_USAGE_STATS", raising=False)
    before = dict(os.environ)
    with _environment():
        assert os.environ["DO_NOT_TRACK"] == os.environ["VLLM_NO_USAGE_STATS"] == "1"
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        os.environ["LD_PRELOAD"] = "what the engine adds"
    assert dict(os.environ) == before
