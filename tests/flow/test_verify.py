"""Whoever has a bundle and a public key needs nothing else, and is not fooled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.cli import main
from harness.errors import AlteredError, HarnessError, RefusedError
from harness.flow.bundle import bundle
from harness.flow.run import run
from harness.flow.verify import verify
from harness.ledger import keys
from harness.ledger.bundle import pack
from harness.ledger.decision import KIND, SIGNED
from harness.ledger.dsse import sign
from harness.ledger.seal import SEAL, seal
from tests.flow import pictured
from tests.flow.evidenced import packed, texts
from tests.flow.suites import write_suite

SHUFFLED = """\
apiVersion: harness/v1
kind: Policy
metadata: {version: 1.0.0, owner: z, name: shuffled}
not_applicable: {two: not here, one: nor here}
rules:
  - id: two
    require: {value: 0.5, op: "<=", metric: length.empty_rate}
  - id: one
    require: {metric: privacy.leak_rate, op: "<=", value: 0.5}
  - {id: topics, coverage: {each: {t1: 3, t0: 2}, by: topic}}
  - id: review
    document:
      signatures: 1
      signed_by:
        zoe: MCowBQYDK2VwAyEAYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=
        ann: MCowBQYDK2VwAyEAYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=
      file: review.md
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, assets: Callable[[str], Path]) -> Path:
    """The folder of a signed run and its bundle."""
    assets("toxblock")
    folder = tmp_path_factory.mktemp("made")
    packed(folder)
    return folder


@pytest.fixture
def signed(made: Path, tmp_path: Path) -> Path:
    """A copy of the run, to do harm to."""
    return Path(shutil.copytree(made / "run", tmp_path / "run"))


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def refuses(path: Path, kind: type[HarnessError] = AlteredError) -> str:
    with pytest.raises(kind) as caught:
        verify(path)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_it_says_what_was_checked(made: Path) -> None:
    found = verify(made / "run.evidence.zip")

    assert found.decision.outcome == "pass"
    assert found.checks["items"] == (
        "12 cases, one answer each (0 failed), 48 scores (0 failed)"
    )
    assert found.checks["verdict"].startswith("PASS under policy fair")
    assert verify(made / "run").decision == found.decision


def test_the_order_of_a_policys_mappings_does_not_matter(tmp_path: Path) -> None:
    """Stored, keys are sorted; what was read from a file may have them in any order."""
    (tmp_path / "p.yaml").write_text(SHUFFLED)
    suite = write_suite(tmp_path, "s", [False] * 8)
    _, folder = run(suite, tmp_path / "p.yaml", out=tmp_path / "run")
    assert verify(folder).checks["reports"] == "made again, and the same"
    assert json.loads((folder / "decision.json").read_bytes())["verdicts"][0]["findings"]


def test_a_third_party_needs_the_file_and_the_key_alone(made: Path, tmp_path: Path) -> None:
    """Another account, another folder, no assets, no suite, no run."""
    (tmp_path / "signer.pem").write_text(keys.signer().public.pem)
    shutil.copyfile(made / "run.evidence.zip", tmp_path / "e.zip")
    names = ("HARNESS_KEYS", "HARNESS_ASSETS", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    nowhere = {name: str(tmp_path / "nowhere") for name in names}
    command = [sys.executable, "-m", "harness", "verify", "e.zip"]
    for arguments, code in ((["--key", "signer.pem"], 0), ([], 3)):
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=os.environ | nowhere,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
    assert "a key that is not trusted here" in done.stderr


def test_one_flipped_byte_in_any_file_is_noticed(made: Path, tmp_path: Path) -> None:
    """Every file of the bundle, at its first byte, its middle and its last."""
    whole = members(made / "run.evidence.zip")
    assert len(whole) > 20
    for name, content in whole.items():
        for place in {0, len(content) // 2, len(content) - 1} if content else ():
            changed = bytearray(content)
            changed[place] ^= 1
            pack({**whole, name: bytes(changed)}, tmp_path / "e.zip")
            assert refuses(tmp_path / "e.zip"), name


def test_a_file_too_many_or_too_few_is_named(made: Path, tmp_path: Path) -> None:
    whole = members(made / "run.evidence.zip")
    for name in whole:
        pack({n: c for n, c in whole.items() if n != name}, tmp_path / "e.zip")
        kind = RefusedError if name.endswith(SIGNED) else AlteredError
        assert refuses(tmp_path / "e.zip", kind), name
    for name in ("run/more.json", "more.md"):
        pack({**whole, name: b"{}"}, tmp_path / "e.zip")
        assert name.partition("/")[2] or name in refuses(tmp_path / "e.zip")


@pytest.mark.parametrize(
    "name", ["run/record.json", "run/.lock", "run/x.tmp", "run/scores/a.tmp"]
)
def test_what_no_digest_covers_has_no_place_in_a_bundle(
    made: Path, tmp_path: Path, name: str
) -> None:
    """A run's folder may hold them beside its evidence; whoever reads a bundle trusts all."""
    whole = members(made / "run.evidence.zip")
    pack({**whole, name: b"{}"}, tmp_path / "e.zip")
    assert name in refuses(tmp_path / "e.zip")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda said: said.update(outcome="fail"), "outcome"),
        (lambda said: said["verdicts"][0]["findings"].update(fail=0), "verdicts"),
        (lambda said: said["policy"].update(name="strict"), "policy"),
        (lambda said: said["policy"].update(sha256="0" * 64), "policy"),
        (lambda said: said["suite"].update(exam="0" * 64), "suite"),
        (lambda said: said["scorers"].clear(), "scorers"),
        (lambda said: said.update(waivers=["w-1"]), "waivers"),
        (lambda said: said.update(attempts=7), "attempts"),
        (lambda said: said.update(decision_sha256="0" * 64), "decision_sha256"),
        (lambda said: said.update(more=1), "more"),
    ],
)
def test_a_trusted_signer_cannot_sign_what_the_run_does_not_say(
    signed: Path, change: Callable[[dict[str, Any]], object], what: str
) -> None:
    statement = json.loads(b64decode(json.loads((signed / SIGNED).read_bytes())["payload"]))
    change(statement["predicate"])
    (signed / SIGNED).write_bytes(sign(KIND, statement, keys.signer()))
    told = refuses(signed)
    assert f"does not lead to what was signed, in {what}" in told


def test_a_model_that_was_not_evaluated_cannot_be_signed_for(signed: Path) -> None:
    statement = json.loads(b64decode(json.loads((signed / SIGNED).read_bytes())["payload"]))
    statement["subject"][0]["digest"]["sha256"] = "0" * 64
    (signed / SIGNED).write_bytes(sign(KIND, statement, keys.signer()))
    assert "does not lead to what was signed, in subject" in refuses(signed)


def test_an_error_names_the_bundle_and_not_the_place_it_was_unpacked_to(
    made: Path, tmp_path: Path
) -> None:
    whole = members(made / "run.evidence.zip")
    pack({**whole, "run/policy.json": b"{}"}, tmp_path / "e.zip")
    assert "changed: policy.json" in refuses(tmp_path / "e.zip")
    del whole[f"run/{SIGNED}"]
    pack(whole, tmp_path / "e.zip")
    told = refuses(tmp_path / "e.zip", RefusedError)
    assert f"where: {tmp_path / 'e.zip'}/run/{SIGNED}" in told
    assert "fix:   ask for the bundle again" in told


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.json", {}),
        ("manifest.json", []),
        ("suite.json", {"strategies": 1, "seed": 0}),
        ("environment.json", {"machines": []}),
        ("policy.json", {"rules": []}),
        ("attempts.json", [1]),
        ("waivers.json", [{"id": "w"}]),
        ("baselines.json", {"champion": 3}),
        ("sequence.json", {"arms": None}),
    ],
)
def test_records_in_another_form_are_no_evidence_whoever_signed_them(
    signed: Path, name: str, content: object
) -> None:
    """Of a signer who is trusted, and no traceback either."""
    statement = json.loads(b64decode(json.loads((signed / SIGNED).read_bytes())["payload"]))
    (signed / name).write_text(json.dumps(content))
    top = seal(signed)
    statement["predicate"]["seal"] = statement["subject"][-1]["digest"]["sha256"] = top
    (signed / SIGNED).write_bytes(sign(KIND, statement, keys.signer()))
    refuses(signed, HarnessError)


def rewrite(folder: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
    (path,) = (folder / table).glob("*.parquet")
    pq.write_table(change(pq.read_table(path)), path)


def test_a_forged_and_resealed_run_is_refused(signed: Path) -> None:
    rewrite(signed, "scores/length", lambda table: table.slice(0, 11))
    seal(signed)
    assert "sealed again since its decision was signed" in refuses(signed)


def test_who_signs_a_forgery_himself_must_be_trusted_and_is_found_out_all_the_same(
    signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from harness.flow.assess import review
    from harness.ledger.decision import sign_run

    view = review(signed)
    honest = keys.trusted()
    rewrite(signed, "scores/length", lambda table: table.slice(0, 11))
    seal(signed)
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "forger"))
    sign_run(view, signed, keys.signer(), datetime.now(UTC))
    assert "outputs have no score of length" in refuses(signed)
    monkeypatch.setattr("harness.flow.verify.trusted", lambda: honest)
    assert "a key that is not trusted here" in refuses(signed)


def test_the_decision_of_another_run_is_refused(signed: Path, tmp_path: Path) -> None:
    other = texts(tmp_path / "other", answer="We close at ten")
    shutil.copyfile(other / SIGNED, signed / SIGNED)
    assert "sealed again since its decision was signed" in refuses(signed)


def test_another_decision_than_the_one_named_is_refused(made: Path) -> None:
    found = verify(made / "run").decision
    assert verify(made / "run", decision=found.digest[:12]).decision == found
    with pytest.raises(AlteredError, match="another decision than the one asked for"):
        verify(made / "run", decision="0" * 12)


@pytest.mark.parametrize("name", ["report.html", "report.md", "junit.xml", "report.json"])
def test_a_report_that_says_something_else_is_found_though_it_is_sealed(
    signed: Path, name: str
) -> None:
    from datetime import UTC, datetime

    from harness.flow.assess import review
    from harness.ledger.decision import sign_run

    view = review(signed)
    path = signed / name
    path.write_bytes(path.read_bytes().replace(b"corpus", b"trusty"))
    seal(signed)
    sign_run(view, signed, keys.signer(), datetime.now(UTC))
    assert name in refuses(signed)


def test_a_seal_in_another_form_is_refused(signed: Path) -> None:
    path = signed / SEAL
    path.write_text(json.dumps(json.loads(path.read_bytes())))
    assert "the seal is not in the form it was written in" in refuses(signed)


def test_a_run_without_a_policy_is_not_signed(tmp_path: Path, made: Path) -> None:
    view, folder = run(made / "suite.yaml", out=tmp_path / "unjudged")
    assert view.outcome is None
    assert "not signed" in refuses(folder, RefusedError)
    with pytest.raises(RefusedError, match="not signed"):
        bundle(folder)


def test_a_scorer_of_another_version_is_said(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.flow.bind._source", lambda cls: "0" * 64)
    with pytest.raises(RefusedError, match="is not the one that scored the run") as caught:
        verify(made / "run.evidence.zip")
    assert "made by harness" in caught.value.where


def test_pictures_are_verified_without_their_encoders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assets: Callable[[str], Path]
) -> None:
    assets("digits-features")
    folder = tmp_path / "pictures"
    suite = pictured.write_suite(folder, pictured.digits("heldout", 4))
    (folder / "policy.yaml").write_text(
        "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\nrules:\n"
        "- {id: copies, require: {metric: memorization.copy_rate, op: '<=', value: 0.9}}\n"
    )
    _, done = run(suite, folder / "policy.yaml", out=tmp_path / "run")
    made = bundle(done)
    shutil.rmtree(folder)
    shutil.rmtree(done)
    monkeypatch.setenv("HARNESS_ASSETS", str(tmp_path / "none"))
    found = verify(made)
    assert found.checks["items"].startswith("40 cases")


def test_the_commands_print_one_line_a_check(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", str(made / "run"), "--out", str(tmp_path / "e.zip")]) == 0
    assert (tmp_path / "e.zip").read_bytes() == (made / "run.evidence.zip").read_bytes()
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "e.zip")]) == 0
    out = capsys.readouterr().out
    assert out.count("ok  ") == 7
    assert out.splitlines()[-1].startswith("verified  decision ")
    assert main(["verify", str(tmp_path / "e.zip"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    assert main(["verify", str(tmp_path / "absent.zip")]) == 3


def test_the_summary_says_who_vouches_for_what(made: Path) -> None:
    text = members(made / "run.evidence.zip")["summary.md"].decode()
    assert text.startswith("# PASS: evidence of run corpus-")
    assert f"Signed by {keys.signer().public.name} on " in text
    assert "policy fair 1.2.0" in text
    assert "length.empty" in text
