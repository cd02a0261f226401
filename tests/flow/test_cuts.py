"""A rerun that is only slower or faster keeps what is answered, and still verifies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.cuts import cut_as_before
from harness.flow.reconcile import Reconciled, reconcile
from harness.flow.run import Options, run
from harness.flow.verify import verify
from tests.flow.plugs import make_generator, plan_of
from tests.generators.loopback import Asked, Server, Wire, chat, serving

POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p, version: 1.0.0}
rules:
  - {id: words, require: {metric: length.empty_rate, op: "<=", value: 0.5}}
"""
PROMPTS = [f"prompt number {n}" for n in range(20)]
BROKEN: set[str] = set()


def moody(asked: Asked, wire: Wire) -> None:
    """Answer all but what is broken now."""
    text = asked.body["messages"][-1]["content"]
    if text in BROKEN:
        wire.reply(json.dumps({"error": {"message": "no"}}), status=400)
    else:
        wire.reply(chat(text))


@pytest.fixture
def server() -> Iterator[Server]:
    BROKEN.clear()
    with serving(moody) as running:
        yield running


def go(folder: Path, server: Server, **options: Any) -> list[str]:
    """Run the suite with these options in the one folder; give what the server was asked."""
    given = {"base_url": server.url, "hosts": ["127.0.0.1"], "model": "m", "retries": 0}
    generator = json.dumps({"use": "endpoint", "options": given | options})
    (folder / "suite.yaml").write_text(
        "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: s}\n"
        f"generators: [{generator}]\nprompts: [{{items: {json.dumps(PROMPTS)}}}]\n"
        "scorers: [{use: length}]\n"
    )
    server.asked.clear()
    (folder / "policy.yaml").write_text(POLICY)
    run(folder / "suite.yaml", folder / "policy.yaml", Options(out=folder / "run"))
    return sorted(one.body["messages"][-1]["content"] for one in server.asked)


def verified(folder: Path) -> Reconciled:
    """Verify the signed run, and count what it holds."""
    verify(folder / "run")
    return reconcile(Store(folder / "run"))


def manifest(folder: Path) -> dict[str, Any]:
    return dict(Store(folder / "run").read_json("manifest.json"))


def test_a_slower_rerun_asks_only_for_what_failed(tmp_path: Path, server: Server) -> None:
    BROKEN.update(PROMPTS[3:6])
    assert go(tmp_path, server, max_concurrency=4) == sorted(PROMPTS)
    before = manifest(tmp_path)
    assert verified(tmp_path).failed_outputs == 3
    BROKEN.clear()
    slower = {"max_concurrency": 1, "requests_per_minute": 60_000, "timeout_seconds": 5.0}
    assert go(tmp_path, server, **slower) == sorted(PROMPTS[3:6])
    after = manifest(tmp_path)
    assert [one["subject"] for one in after["arms"]] == [x["subject"] for x in before["arms"]]
    assert (after["plan"], after["suite"] == before["suite"]) == (before["plan"], False)
    found = verified(tmp_path)
    assert (found.cases, found.failed_outputs, found.unused) == (20, 0, 0)


@pytest.mark.parametrize("faster", [{"max_concurrency": 16}, {"batch": 5}, {"batch": 19}])
def test_another_size_of_batches_asks_nothing_twice(
    tmp_path: Path, server: Server, faster: dict[str, int]
) -> None:
    go(tmp_path, server, max_concurrency=1)
    assert go(tmp_path, server, **faster) == []
    assert verified(tmp_path).cases == 20


def test_a_larger_budget_goes_on_where_the_smaller_ended(
    tmp_path: Path, server: Server
) -> None:
    first = go(tmp_path, server, max_tokens=20, max_tokens_total=120, max_concurrency=1)
    assert 0 < len(first) < 20
    second = go(tmp_path, server, max_tokens=20, max_tokens_total=10_000)
    assert sorted(first + second) == sorted(PROMPTS)
    assert verified(tmp_path).failed_outputs == 0


def test_a_model_that_comes_back_finds_its_batches_as_they_were(
    tmp_path: Path, server: Server
) -> None:
    go(tmp_path, server, max_concurrency=1)
    assert len(go(tmp_path, server, model="other", max_concurrency=2)) == 20
    assert go(tmp_path, server, max_concurrency=3) == []
    assert Counter(manifest(tmp_path)["batches"].values()) == {8: 1, 16: 1}
    found = verified(tmp_path)
    assert (found.cases, found.failed_outputs, found.unused) == (20, 0, 40)


@pytest.mark.parametrize("stated", [["max_concurrency"], ["max_concurrency", "model"], []])
def test_a_record_that_calls_other_options_immaterial_contradicts_itself(
    tmp_path: Path, server: Server, stated: list[str]
) -> None:
    go(tmp_path, server, max_concurrency=2)
    record = manifest(tmp_path)
    record["arms"][0]["identity"]["immaterial"] = stated
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(record))
    with pytest.raises(AlteredError, match="contradicts itself"):
        reconcile(Store(tmp_path / "run"))


def test_a_new_run_is_cut_as_its_generator_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, list)
    planned = plan_of(PROMPTS, generators=[{"use": "answers"}])
    with Store(tmp_path) as store:
        assert cut_as_before(planned, store) is planned
        (arm,) = planned.arms
        assert [len(batch.cases) for batch in planned.batches(arm)] == [4] * 5
        store.write_json("manifest.json", {"batches": {arm.generator.fingerprint: 16}})
        recut = cut_as_before(planned, store)
        assert recut.digest == planned.digest
        assert [len(batch.cases) for batch in recut.batches(recut.arms[0])] == [16, 4]
