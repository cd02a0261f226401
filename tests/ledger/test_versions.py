"""A version holds the files that were evaluated, whatever its labels say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import digests
from harness.errors import AlteredError, RefusedError
from harness.ledger.connection import connected
from harness.ledger.evidence import Evidence
from harness.ledger.versions import differences, register, status
from tests.ledger.sealed_runs import evidence, make, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


@pytest.fixture
def found(client: Any, tmp_path: Path, model: Path) -> Evidence:
    return evidence(*make(tmp_path / "run", model), model)


def stored(client: Any, version: str) -> Path:
    source: str = client.get_model_version("m", version).source
    run_id, _, path = source.removeprefix("runs:/").partition("/")
    place: str = client.get_run(run_id).info.artifact_uri
    return Path(place.removeprefix("file://")) / path


def test_a_version_holds_the_evaluated_files(
    client: Any, found: Evidence, model: Path, tmp_path: Path
) -> None:
    version = register(found.subject, found.recorded, "m", folder=model)

    assert version == "1"
    with connected() as server:
        assert not differences(server, "m", version, found.subject.digest)
    assert (stored(client, "1") / "model.safetensors").read_bytes() == b"weights"


def test_the_same_model_is_registered_once(client: Any, found: Evidence, model: Path) -> None:
    first = register(found.subject, found.recorded, "m", folder=model)

    assert register(found.subject, found.recorded, "m", folder=model) == first
    assert len(status("m")) == 1


def test_a_version_with_a_forged_label_is_not_used_again(
    client: Any, found: Evidence, model: Path, tmp_path: Path
) -> None:
    other = write_model(tmp_path / "other", b"bad")
    client.log_artifacts(found.recorded.parent, str(other), "forged")
    client.create_registered_model("m")
    client.create_model_version(
        "m",
        source=f"runs:/{found.recorded.parent}/forged",
        run_id=found.recorded.parent,
        tags={"harness.subject_digest": found.subject.digest},
    )

    assert register(found.subject, found.recorded, "m", folder=model) == "2"


def test_a_version_whose_files_changed_is_not_used_again(
    client: Any, found: Evidence, model: Path
) -> None:
    register(found.subject, found.recorded, "m", folder=model)
    (stored(client, "1") / "model.safetensors").write_bytes(b"changed")

    with connected() as server:
        assert differences(server, "m", "1", found.subject.digest) == ["model.safetensors"]
    assert register(found.subject, found.recorded, "m", folder=model) == "2"


def test_another_folder_is_refused(found: Evidence, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other", b"bad")

    with pytest.raises(AlteredError, match="evaluated"):
        register(found.subject, found.recorded, "m", folder=other)


def test_weights_need_a_folder(found: Evidence) -> None:
    with pytest.raises(RefusedError, match="no folder"):
        register(found.subject, found.recorded, "m", folder=None)


def test_what_has_no_weights_is_registered_by_its_description(
    client: Any, found: Evidence
) -> None:
    described = {"identity": "code", "files": {}, "config": found.subject.config}
    code = replace(found.subject, identity="code", files={}, digest=digests.of_json(described))

    version = register(code, found.recorded, "m", folder=None)

    with connected() as server:
        assert not differences(server, "m", version, code.digest)


def test_a_standing_names_aliases(client: Any, found: Evidence, model: Path) -> None:
    register(found.subject, found.recorded, "m", folder=model)
    client.set_registered_model_alias("m", "champion", "1")

    (standing,) = status("m")

    assert standing.version == "1"
    assert standing.aliases == ("champion",)
    assert standing.outcome is None
    assert standing.subject_digest == found.subject.digest


def test_an_unknown_model_is_told(client: Any) -> None:
    with pytest.raises(RefusedError, match="no registered model"):
        status("nothing")
