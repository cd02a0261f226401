"""A signed decision is about one state of one run, and says so."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import digests
from harness.errors import AlteredError, RefusedError
from harness.ledger import keys
from harness.ledger.decision import (
    KIND,
    SIGNED,
    STATEMENT,
    read_decision,
    read_envelope,
    sign_run,
)
from harness.ledger.dsse import sign
from harness.ledger.seal import seal, verify
from harness.records import RunView
from tests.ledger.sealed_runs import make, write_model

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path) -> tuple[RunView, Path]:
    view, root = make(tmp_path / "run", write_model(tmp_path / "model"))
    return replace(view, digests={**view.digests, "subjects": {"candidate": "5b" * 32}}), root


@pytest.fixture
def signed(run: tuple[RunView, Path]) -> Path:
    view, root = run
    path = root / "decision.json"
    decided = json.loads(path.read_bytes()) | {"digests": view.digests}
    path.write_text(json.dumps(decided))
    seal(root)
    sign_run(view, root, keys.signer(), NOW)
    return root


def test_it_names_models_run_rules_time_and_signer(
    run: tuple[RunView, Path], signed: Path
) -> None:
    found = read_decision(signed, keys.trusted())

    assert found.subjects == {"candidate": "5b" * 32}
    assert found.seal == verify(signed)
    assert (found.run_id, found.outcome, found.time) == (run[0].run_id, "pass", NOW)
    assert found.policy == {"name": "rules", "version": None, "sha256": "bb" * 32}
    assert found.key_id == keys.signer().public.key_id
    assert found.digest == digests.of_file(signed / SIGNED)


def test_it_is_an_in_toto_statement_that_others_can_read(signed: Path) -> None:
    envelope = json.loads((signed / SIGNED).read_bytes())
    statement = json.loads(b64decode(envelope["payload"]))

    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert all(set(item["digest"]) == {"sha256"} for item in statement["subject"])
    verdict = statement["predicate"]["verdicts"][0]
    assert verdict["findings"] == {"pass": 2}
    assert statement["predicate"]["decision_sha256"] == digests.of_file(
        signed / "decision.json"
    )


def test_a_run_without_it_is_refused_and_told_how(run: tuple[RunView, Path]) -> None:
    with pytest.raises(RefusedError, match="not signed") as caught:
        read_decision(run[1], keys.trusted())
    assert caught.value.fix.startswith("harness judge")


def test_a_run_that_was_changed_and_sealed_again_is_refused(signed: Path) -> None:
    (signed / "report.md").write_text("# better\n")
    seal(signed)
    with pytest.raises(AlteredError, match="sealed again since its decision was signed"):
        read_decision(signed, keys.trusted())


def test_the_decision_of_another_run_is_refused(signed: Path, tmp_path: Path) -> None:
    _, other = make(tmp_path / "other", write_model(tmp_path / "b"), "fail")
    (other / SIGNED).write_bytes((signed / SIGNED).read_bytes())
    with pytest.raises(AlteredError, match="sealed again since its decision was signed"):
        read_decision(other, keys.trusted())


def test_a_changed_run_is_not_signed(run: tuple[RunView, Path]) -> None:
    view, root = run
    (root / "report.md").write_text("# better\n")
    with pytest.raises(AlteredError):
        sign_run(view, root, keys.signer(), NOW)
    assert not (root / SIGNED).exists()


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        None,
        {"_type": STATEMENT, "predicateType": "https://slsa.dev/provenance/v1"},
        {"_type": STATEMENT, "predicateType": "urn:harness:gate-decision:v1", "subject": []},
    ],
)
def test_a_good_signature_under_something_else_is_no_decision(value: object) -> None:
    envelope = sign(KIND, value, keys.signer())
    with pytest.raises(AlteredError, match="no gate decision"):
        read_envelope(envelope, keys.trusted(), Path("x"))
