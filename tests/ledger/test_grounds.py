"""A model is promoted on a fresh, signed pass by the rules in force, of an unchanged run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.errors import AlteredError, HarnessError, RefusedError
from harness.ledger import keys
from harness.ledger.decision import SIGNED, sign_run
from harness.ledger.evidence import Evidence
from harness.ledger.promote import Terms, promote
from harness.ledger.seal import seal
from harness.ledger.tracking import record
from harness.ledger.versions import register
from tests.ledger.ledgers import Passed, passed
from tests.ledger.sealed_runs import author, evidence, make, write_model


@pytest.fixture
def one(client: Any, tmp_path: Path) -> Passed:
    return passed(tmp_path / "one", b"one")


def refuse(client: Any, found: Evidence, error: type[HarnessError], match: str) -> None:
    before = client.get_registered_model("m").aliases
    with pytest.raises(error, match=match) as caught:
        promote("m", "1", "champion", found, author=author())
    assert caught.value.exit_code == 3
    assert client.get_registered_model("m").aliases == before


def redone(found: Evidence, digests: dict[str, Any] | None = None, **changes: Any) -> Evidence:
    """Judge a run anew: write its decision, then seal, sign and record it."""
    run = replace(found.run, digests={**found.run.digests, **(digests or {})}, **changes)
    path = found.root / "decision.json"
    decided = json.loads(path.read_bytes()) | {"digests": run.digests, "outcome": run.outcome}
    path.write_text(json.dumps(decided))
    top = seal(found.root)
    sign_run(run, found.root, keys.signer(), datetime.now(UTC))
    return replace(found, run=run, recorded=record(run, found.root), expected_seal=top)


def change_outputs(root: Path, part: int = 1) -> None:
    path = root / "outputs" / f"part-{part:06d}.parquet"
    with pq.ParquetFile(path) as file:
        table = file.read()
    pq.write_table(table.set_column(1, "text", [["something nicer"]]), path)


def test_a_decision_signed_by_nobody_trusted_is_refused(
    client: Any, one: Passed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = keys.folder()
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "intruder"))
    sign_run(one.found.run, one.found.root, keys.signer(), datetime.now(UTC))
    monkeypatch.setenv("HARNESS_KEYS", str(ours))

    refuse(client, one.found, AlteredError, "a key that is not trusted here")


def test_a_run_without_a_signed_decision_is_refused(client: Any, one: Passed) -> None:
    (one.found.root / SIGNED).unlink()

    refuse(client, one.found, RefusedError, "the decision is not signed")


def test_the_signed_decision_of_another_run_is_refused(
    client: Any, one: Passed, tmp_path: Path
) -> None:
    other = passed(tmp_path / "two", b"two")
    shutil.copyfile(other.found.root / SIGNED, one.found.root / SIGNED)

    refuse(client, one.found, AlteredError, "sealed again since its decision was signed")


@pytest.mark.parametrize(
    ("policy", "days", "told"),
    [
        ({}, 31, "31 days old; the policy lets it count for 30"),
        ({"evidence": {"max_age_days": 2}}, 3, "3 days old; the policy lets it count for 2"),
        ({}, -1, "signed in the future"),
    ],
)
def test_a_decision_counts_as_long_as_its_policy_lets_it(
    client: Any, one: Passed, policy: dict[str, Any], days: int, told: str
) -> None:
    found = replace(one.found, run=replace(one.found.run, policy=policy))
    then = datetime.now(UTC) - timedelta(days=days, minutes=10)
    sign_run(found.run, found.root, keys.signer(), then)

    refuse(client, found, RefusedError, told)


def test_a_decision_about_other_models_is_refused(client: Any, one: Passed) -> None:
    found = redone(one.found, {"subjects": {}})

    refuse(client, found, RefusedError, "not about this model")


def test_another_policy_than_the_last_promotions_must_be_meant(
    client: Any, one: Passed
) -> None:
    one.promote()
    found = redone(one.found, {"policy": "cc" * 32})

    refuse(client, found, RefusedError, "by another policy than the last promotion")

    terms = Terms(changed=frozenset({"policy"}))
    assert promote("m", "1", "champion", found, author=author(), terms=terms).epoch == 2
    back = redone(one.found, {"policy": "bb" * 32})
    refuse(client, back, RefusedError, "another policy")


def test_another_exam_than_the_last_promotions_must_be_meant(
    client: Any, one: Passed, tmp_path: Path
) -> None:
    one.promote()
    weights = write_model(tmp_path / "two" / "model", b"two")
    view, root = make(tmp_path / "two" / "run", weights)
    manifest = json.loads((root / "manifest.json").read_bytes()) | {"exam": "ee" * 32}
    (root / "manifest.json").write_text(json.dumps(manifest))
    seal(root)
    found = evidence(view, root, weights)
    version = register(found.subject, found.recorded, "m", folder=weights)

    with pytest.raises(RefusedError, match="by another suite than the last promotion"):
        promote("m", version, "champion", found, author=author())

    terms = Terms(changed=frozenset({"suite"}))
    assert promote("m", version, "champion", found, author=author(), terms=terms).epoch == 2


def test_a_run_judged_anew_is_still_the_run_that_was_recorded(client: Any, one: Passed) -> None:
    found = redone(one.found, {"policy": "cc" * 32})

    assert promote("m", "1", "champion", found, author=author()).epoch == 1


def test_a_run_that_grew_is_still_the_run_that_was_recorded(client: Any, one: Passed) -> None:
    scores = one.found.root / "scores"
    shutil.copytree(scores / "diversity", scores / "toxicity")

    assert promote("m", "1", "champion", redone(one.found), author=author()).epoch == 1


def test_a_run_whose_outputs_were_changed_sealed_signed_and_recorded_again_is_refused(
    client: Any, one: Passed
) -> None:
    change_outputs(one.found.root)

    found = redone(one.found)

    refuse(client, found, AlteredError, "changed since it was first recorded")


def test_a_forged_run_is_refused_even_when_its_first_recording_was_deleted(
    client: Any, one: Passed
) -> None:
    client.delete_run(one.found.recorded.parent)
    (one.found.root / "scores" / "diversity" / "part-000000.parquet").unlink()

    refuse(client, redone(one.found), AlteredError, "scores/diversity/part-000000.parquet")


def test_a_first_recording_that_cannot_be_read_is_refused(client: Any, one: Passed) -> None:
    place = client.get_run(one.found.recorded.parent).info.artifact_uri
    (Path(place.removeprefix("file://")) / "harness" / "seal.json").unlink()
    found = redone(one.found, {"policy": "cc" * 32})

    refuse(client, found, AlteredError, "first recorded of the run cannot be read")


def test_the_same_run_repeated_elsewhere_is_another_measurement(
    client: Any, one: Passed
) -> None:
    for part in range(2):
        change_outputs(one.found.root, part)

    assert promote("m", "1", "champion", redone(one.found), author=author()).epoch == 1


def test_a_repetition_of_a_run_that_failed_is_refused(client: Any, tmp_path: Path) -> None:
    failed = passed(tmp_path / "one", b"one", "fail")
    for part in range(2):
        change_outputs(failed.found.root, part)

    found = redone(failed.found, outcome="pass")

    refuse(client, found, RefusedError, "made before, with other outputs, and failed")
