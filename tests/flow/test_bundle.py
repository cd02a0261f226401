"""A bundle is written once, of a run that verifies, and never over anything else."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from base64 import b64decode
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from harness.cli import main
from harness.errors import AlteredError, RefusedError, SpecError
from harness.flow.bundle import bundle
from harness.flow.run import Options, run
from harness.flow.verify import verify
from harness.ledger import keys
from harness.ledger.decision import KIND, SIGNED
from harness.ledger.dsse import sign
from tests.flow.suites import LEAKS, planted, write_policy, write_suite


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


WAIVER = """\
apiVersion: harness/v1
kind: Waivers
metadata: {{name: w}}
waivers:
  - {{id: w-1, rule: leaks, subject_digest: {digest}, covers: fail, reason: known,
     requested_by: ann, approved_by: bo, created: 2026-11-20,
     expires: 2026-12-20, ticket: T-1}}
"""


def test_all_that_rules_bring_travels_with_it(tmp_path: Path) -> None:
    """The champion's scores, a signed document, a waiver and earlier attempts."""
    home = tmp_path / "home"
    champion = run(write_suite(home, "old", planted(20, 6)), out=home / "runs" / "old")[1]
    (home / "report.txt").write_text("we looked")
    signature = keys.signer().sign(b"we looked")
    (home / "report.txt.ann.sig").write_bytes(signature)
    key = "".join(keys.signer().public.pem.splitlines()[1:-1])
    policy = write_policy(
        home,
        LEAKS,
        "  - {id: document, document: {file: report.txt, signatures: 1, "
        f"signed_by: {{ann: {key}}}}}}}",
        "  - {id: worse, compare: {metric: length.words, against: champion, margin: 9.0}}",
    )
    suite = write_suite(home, "new", planted(20, 6))
    out, today = home / "runs" / "new", date(2026, 11, 25)
    how = Options(out=out, champion=champion, today=today)
    view, _ = run(suite, policy, how)
    digest = view.digests["subjects"]["model"]
    (home / "waivers.yaml").write_text(WAIVER.format(digest=digest))
    view, _ = run(suite, policy, replace(how, waivers=home / "waivers.yaml"))
    outcomes = {one.rule: one.outcome for one in view.verdicts[0].findings}
    assert (outcomes["leaks"], outcomes["document"]) == ("waived", "pass")
    assert outcomes["worse"] in ("pass", "inconclusive")

    made = bundle(out, tmp_path / "e.zip")
    shutil.rmtree(home)

    assert verify(made).decision.outcome == view.outcome
    with zipfile.ZipFile(made) as file:
        assert b"w-1" in file.read("summary.md")
        names = file.namelist()
    assert any(name.startswith("run/baselines/") for name in names)
    assert any(name.startswith("run/documents/") for name in names)


def test_a_sequential_run_that_stopped_early_travels_too(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, "many", planted(120, 60))
    how = Options(out=tmp_path / "run", sequential=True)
    run(suite, write_policy(tmp_path), how)
    found = verify(bundle(tmp_path / "run"))
    assert found.decision.outcome == "fail"
    assert not found.checks["items"].startswith("120 cases")
