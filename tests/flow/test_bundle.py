"""A bundle is written once, of a run that verifies, and never over anything else."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from harness.cli import main
from harness.errors import AlteredError, RefusedError, SpecError
from harness.flow.bundle import bundle
from harness.flow.run import run
from harness.flow.verify import verify
from harness.ledger import keys
from harness.ledger.decision import KIND, SIGNED
from harness.ledger.dsse import sign
from tests.flow.suites import planted, write_policy, write_suite


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    suite = write_suite(folder, "leaky", planted(20, 6))
    return run(suite, write_policy(folder), out=folder / "run")[1]


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def test_it_lies_beside_the_run_and_only_its_owner_reads_it(folder: Path) -> None:
    found = bundle(folder)
    assert found == folder.resolve().with_name("run.evidence.zip")
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert verify(found).decision.outcome == "fail"


def test_the_folder_one_stands_in_has_a_name_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert bundle(Path()).name == "run.evidence.zip"
    assert main(["bundle", "."]) == 0


def test_it_holds_every_sealed_file_and_nothing_that_is_not_evidence(folder: Path) -> None:
    (folder / "record.json").write_text("{}")
    (folder / "half.tmp").write_text("")
    with zipfile.ZipFile(bundle(folder)) as file:
        names = file.namelist()
        bill = file.read("bom.cdx.json").decode()
    sealed = json.loads((folder / "seal.json").read_bytes())["files"]
    own = {"seal.json", SIGNED}
    beside = {"summary.md", "bom.cdx.json", "signer.pem"}
    assert set(names) == {f"run/{name}" for name in {*sealed, *own}} | beside
    assert names == sorted(names)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_what_was_handed_over_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    first = bundle(folder)
    whole = first.read_bytes()
    assert bundle(folder) == first
    first.write_bytes(whole + b"\n")
    with pytest.raises(SpecError, match="something else already"):
        bundle(folder)
    assert first.read_bytes() == whole + b"\n"
    (tmp_path / "place").mkdir()
    with pytest.raises(SpecError, match="something else already"):
        bundle(folder, tmp_path / "place")


def test_a_run_is_not_bundled_into_itself(folder: Path) -> None:
    with pytest.raises(SpecError, match="would break the run's seal"):
        bundle(folder, folder / "mine.zip")
    assert verify(folder)


def test_a_run_that_does_not_verify_is_not_handed_over(folder: Path, tmp_path: Path) -> None:
    statement = json.loads(b64decode(json.loads((folder / SIGNED).read_bytes())["payload"]))
    statement["predicate"]["outcome"] = "pass"
    (folder / SIGNED).write_bytes(sign(KIND, statement, keys.signer()))
    with pytest.raises(AlteredError, match="in outcome"):
        bundle(folder, tmp_path / "e.zip")
    (folder / SIGNED).unlink()
    with pytest.raises(RefusedError, match="not signed"):
        bundle(folder, tmp_path / "e.zip")
    assert not (tmp_path / "e.zip").exists()
