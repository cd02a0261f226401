"""An alias moves on a pass about exactly this model, and on nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import AlteredError, HarnessError, RefusedError
from harness.ledger.decision import sign_run
from harness.ledger.evidence import Evidence
from harness.ledger.keys import signer
from harness.ledger.promote import promote
from harness.ledger.seal import seal
from harness.ledger.tracking import record
from harness.ledger.versions import register, status
from harness.records import Outcome
from tests.ledger.sealed_runs import author, evidence, make, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


@pytest.fixture
def judged(client: Any, tmp_path: Path, model: Path) -> Callable[..., Evidence]:
    """Make, record and register a run with this outcome, as version 1 of `m`."""

    def build(outcome: Outcome | None = "pass") -> Evidence:
        found = evidence(*make(tmp_path / "run", model, outcome), model)
        assert register(found.subject, found.recorded, "m", folder=model) == "1"
        return found

    return build


def refuse(
    client: Any, found: Evidence, error: type[HarnessError], match: str, version: str = "1"
) -> None:
    """Promote, and see that it is refused and that nothing was written."""
    with pytest.raises(error, match=match) as caught:
        promote("m", version, "champion", found, author=author())

    assert caught.value.exit_code == 3
    assert not client.get_registered_model("m").aliases
    assert all("harness.outcome" not in v.tags for v in client.search_model_versions())


def test_a_pass_moves_the_alias(client: Any, judged: Callable[..., Evidence]) -> None:
    found = judged()

    moved = promote("m", "1", "champion", found, author=author())

    assert client.get_model_version_by_alias("m", "champion").version in (1, "1")
    assert moved.previous is None
    assert moved.seal == found.expected_seal
    (standing,) = status("m")
    assert (standing.outcome, standing.run_id) == ("pass", found.run.run_id)


def test_the_version_before_is_told(
    client: Any, judged: Callable[..., Evidence], tmp_path: Path
) -> None:
    promote("m", "1", "champion", judged(), author=author())
    better = write_model(tmp_path / "better", b"better")
    found = evidence(*make(tmp_path / "run2", better), better)
    version = register(found.subject, found.recorded, "m", folder=better)

    moved = promote("m", version, "champion", found, author=author())

    assert (moved.previous, moved.version) == ("1", "2")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("fail", "is fail"),
        ("inconclusive", "is inconclusive"),
        ("waived", "is waived"),
        ("not_applicable", "is not_applicable"),
        (None, "no policy was applied"),
    ],
)
def test_what_is_not_a_pass_moves_nothing(
    client: Any, judged: Callable[..., Evidence], outcome: Outcome | None, words: str
) -> None:
    refuse(client, judged(outcome), RefusedError, words)


def test_a_claimed_pass_of_a_failed_run_moves_nothing(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged("fail")

    refuse(
        client, replace(found, run=replace(found.run, outcome="pass")), AlteredError, "outcome"
    )


def test_one_flipped_byte_moves_nothing(client: Any, judged: Callable[..., Evidence]) -> None:
    found = judged()
    part = found.root / "outputs" / "part-000001.parquet"
    data = bytearray(part.read_bytes())
    data[20] ^= 1
    part.write_bytes(data)

    refuse(client, found, AlteredError, "changed after")


def test_a_run_sealed_again_moves_nothing(client: Any, judged: Callable[..., Evidence]) -> None:
    found = judged()
    (found.root / "report.md").write_text("# better\n")
    seal(found.root)

    refuse(client, found, AlteredError, "sealed again")


def test_a_run_forged_and_sealed_again_is_not_what_was_signed(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged()
    (found.root / "report.md").write_text("# better\n")
    found = replace(found, expected_seal=seal(found.root))

    refuse(client, found, AlteredError, "sealed again since its decision was signed")


def test_a_run_sealed_and_signed_again_still_differs_from_mlflow(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged()
    (found.root / "report.md").write_text("# better\n")
    found = replace(found, expected_seal=seal(found.root))
    sign_run(found.run, found.root, signer(), datetime.now(UTC))

    refuse(client, found, AlteredError, "harness record")


def test_other_weights_under_the_same_version_move_nothing(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged()
    artifacts = Path(client.get_run(found.recorded.parent).info.artifact_uri[len("file://") :])
    next(artifacts.rglob("model.safetensors")).write_bytes(b"swapped")

    refuse(client, found, RefusedError, "not the model that was evaluated")


def test_an_added_file_in_the_version_moves_nothing(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged()
    artifacts = Path(client.get_run(found.recorded.parent).info.artifact_uri[len("file://") :])
    (next(artifacts.rglob("model.safetensors")).parent / "adapter.bin").touch()

    refuse(client, found, RefusedError, "not the model")


def test_a_forged_label_moves_nothing(
    client: Any, judged: Callable[..., Evidence], tmp_path: Path
) -> None:
    found = judged()
    client.log_artifacts(
        found.recorded.parent, str(write_model(tmp_path / "bad", b"bad")), "forged"
    )
    client.create_model_version(
        "m",
        source=f"runs:/{found.recorded.parent}/forged",
        run_id=found.recorded.parent,
        tags={"harness.subject_digest": found.subject.digest, "harness.verdict": "pass"},
    )

    refuse(client, found, RefusedError, "not the model", version="2")


def test_a_pass_of_one_model_does_not_promote_another(
    client: Any, judged: Callable[..., Evidence], tmp_path: Path
) -> None:
    found = judged()
    other = write_model(tmp_path / "other", b"other")
    second = evidence(*make(tmp_path / "run2", other, "fail"), other)
    version = register(second.subject, second.recorded, "m", folder=other)

    swapped = replace(found, subject=second.subject)

    refuse(client, swapped, RefusedError, "other weights or settings", version=version)


def test_another_name_or_strategy_moves_nothing(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged()
    config = {**found.subject.config, "strategies": {"greedy": {"top_k": 1}}}

    refuse(
        client,
        replace(found, subject=replace(found.subject, name="x")),
        RefusedError,
        "no such generator",
    )
    refuse(
        client,
        replace(found, subject=replace(found.subject, config=config)),
        RefusedError,
        "strategies",
    )


def test_a_run_that_mlflow_does_not_know_moves_nothing(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged()
    unknown = replace(found, recorded=replace(found.recorded, parent="0" * 32))

    refuse(client, unknown, RefusedError, "does not know")


def test_a_forged_seal_on_another_run_moves_nothing(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    found = judged()
    child = replace(found.recorded, parent=found.recorded.children["candidate/greedy"])

    refuse(client, replace(found, recorded=child), RefusedError, "half recorded")


def test_a_version_that_is_not_there_is_told(
    client: Any, judged: Callable[..., Evidence]
) -> None:
    refuse(client, judged(), RefusedError, "no version 9", version="9")


def test_over_http_a_run_is_recorded_and_promoted(
    http_uri: str, tmp_path: Path, model: Path
) -> None:
    view, root = make(tmp_path / "run", model)
    found = evidence(view, root, model)
    assert record(view, root) == found.recorded

    version = register(found.subject, found.recorded, "m", folder=model)
    moved = promote("m", version, "champion", found, author=author())

    assert (moved.version, moved.previous) == ("1", None)
    assert status("m")[0].aliases == ("champion",)
    assert json.loads((root / "record.json").read_text())["uri"] == http_uri
    failed = evidence(*make(tmp_path / "worse", model, "fail"), model)
    with pytest.raises(RefusedError, match="is fail"):
        promote("m", version, "canary", failed, author=author())
    assert status("m")[0].aliases == ("champion",)
