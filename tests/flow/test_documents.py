"""Signed documents: real OpenSSL signatures, bound to the very bytes."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from harness.engine.store import Store
from harness.errors import AlteredError, SpecError
from harness.flow.assess import rejudge, review
from harness.flow.run import run
from harness.ledger.seal import seal
from harness.records import Finding
from tests.flow.suites import planted, write_policy, write_suite

TODAY = date(2026, 11, 25)


def openssl(*args: str) -> bytes:
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("openssl is not installed")
    return subprocess.run([tool, *args], check=True, capture_output=True).stdout


def signer(folder: Path, name: str) -> str:
    """Make a person's key; give the public half as policies write it."""
    key = folder / f"{name}.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(key))
    pem = openssl("pkey", "-in", str(key), "-pubout").decode()
    return "".join(pem.splitlines()[1:-1])


def sign(folder: Path, name: str) -> None:
    openssl(
        "pkeyutl", "-sign", "-rawin", "-inkey", str(folder / f"{name}.pem"),
        "-in", str(folder / "report.txt"), "-out", str(folder / f"report.txt.{name}.sig"),
    )  # fmt: skip


def judged(folder: Path, people: dict[str, str], need: int, more: str = "") -> Finding:
    keys = ", ".join(f"{name}: {key}" for name, key in people.items())
    rule = (
        f"  - {{id: report, document: {{file: report.txt, signatures: {need}, "
        f"signed_by: {{{keys}}}{more}}}}}"
    )
    policy = write_policy(folder, rule)
    if not (folder / "runs" / "a").exists():
        run(write_suite(folder, "model", planted(10, 0)), out=folder / "runs" / "a")
    view = rejudge(folder / "runs" / "a", policy, today=TODAY)
    return view.verdicts[0].findings[0]


def test_signatures_of_enough_people_pass(tmp_path: Path) -> None:
    people = {name: signer(tmp_path, name) for name in ("ann", "bo", "cy")}
    (tmp_path / "report.txt").write_text("we looked")
    assert judged(tmp_path, people, 2).outcome == "fail"
    sign(tmp_path, "ann")
    said = judged(tmp_path, people, 2).message
    assert said == "1 of 2 signatures; not there: report.txt.bo.sig, report.txt.cy.sig"
    sign(tmp_path, "cy")
    finding = judged(tmp_path, people, 2)
    assert (finding.outcome, finding.value) == ("pass", 2.0)
    assert review(tmp_path / "runs" / "a").verdicts[0].findings[0] == finding


def test_a_document_that_is_not_there_is_inconclusive(tmp_path: Path) -> None:
    finding = judged(tmp_path, {"ann": signer(tmp_path, "ann")}, 1)
    assert (finding.outcome, finding.cause) == ("inconclusive", "missing_metric")


def test_a_signature_of_other_bytes_fails(tmp_path: Path) -> None:
    people = {"ann": signer(tmp_path, "ann")}
    (tmp_path / "report.txt").write_text("we looked")
    sign(tmp_path, "ann")
    (tmp_path / "report.txt").write_text("we looked away")
    finding = judged(tmp_path, people, 1)
    assert (finding.outcome, finding.cause) == ("fail", "digest_mismatch")


def test_a_signature_by_another_key_fails(tmp_path: Path) -> None:
    people = {"ann": signer(tmp_path, "ann")}
    (tmp_path / "report.txt").write_text("we looked")
    signer(tmp_path, "ann")
    sign(tmp_path, "ann")
    assert judged(tmp_path, people, 1).outcome == "fail"


@pytest.mark.parametrize("key", ["rubbish", "AAAA"])
def test_a_key_that_is_none_is_refused_with_the_policy(tmp_path: Path, key: str) -> None:
    with pytest.raises(SpecError, match="the key of ann is no Ed25519 public key"):
        judged(tmp_path, {"ann": key}, 1)


def test_one_person_cannot_sign_under_two_names(tmp_path: Path) -> None:
    key = signer(tmp_path, "ann")
    with pytest.raises(SpecError, match="ann and bo have one key"):
        judged(tmp_path, {"ann": key, "bo": key}, 2)


@pytest.mark.parametrize(
    ("dated", "outcome"),
    [("2026-11-01", "pass"), ("2026-09-01", "inconclusive"), ("2027-01-01", "inconclusive")],
)
def test_an_old_document_is_stale_and_a_future_one_is_none(
    tmp_path: Path, dated: str, outcome: str
) -> None:
    people = {"ann": signer(tmp_path, "ann")}
    (tmp_path / "report.txt").write_text("we looked")
    sign(tmp_path, "ann")
    more = f", max_age_days: 30, dated: '{dated}'"
    assert judged(tmp_path, people, 1, more).outcome == outcome
    assert (
        Store(tmp_path / "runs" / "a").read_json("decision.json")["judged_on"] == "2026-11-25"
    )


def test_a_document_changed_inside_the_run_is_seen(tmp_path: Path) -> None:
    people = {"ann": signer(tmp_path, "ann")}
    (tmp_path / "report.txt").write_text("we looked")
    sign(tmp_path, "ann")
    judged(tmp_path, people, 1)
    folder = tmp_path / "runs" / "a"
    next((folder / "documents").iterdir()).write_text("forged")
    seal(folder)
    with pytest.raises(AlteredError, match="document in the run was changed"):
        review(folder)
