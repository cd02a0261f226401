"""The commands that hand evidence over and check it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from harness.cli import main
from harness.flow.run import run
from harness.ledger import keys
from tests.flow.suites import planted, write_policy, write_suite


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    suite = write_suite(folder, "leaky", planted(20, 6))
    return run(suite, write_policy(folder), out=folder / "run")[1]


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    value: dict[str, object] = json.loads(capsys.readouterr().out)
    return value


def test_a_fail_is_verified_too_and_says_so(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is that of the evidence; the verdict is printed."""
    bundle = tmp_path / "e.zip"
    assert main(["bundle", str(made), "--out", str(bundle), "--json"]) == 0
    assert told(capsys)["bundle"]["file"] == str(bundle)  # type: ignore[index]
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    for path in (made, bundle):
        assert main(["verify", str(path), "--json"]) == 0
        said = told(capsys)
        assert (said["verified"], said["outcome"]) == (True, "fail")
    assert main(["verify", str(bundle)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok  verdict: FAIL under policy p") for line in lines)


def test_with_a_key_no_other_is_believed(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.write_text(keys.signer().public.pem)
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "others"))
    other.write_text(keys.signer().public.pem)
    assert main(["verify", str(made)]) == 3
    assert main(["verify", str(made), "--key", str(other)]) == 3
    told = capsys.readouterr().err
    assert f"not signed by {other}" in told
    assert "--key FILE" not in told.splitlines()[-1]
    assert main(["verify", str(made), "--key", str(other), "--key", str(own)]) == 0
    assert "ok  signature: own, " in capsys.readouterr().out


def test_what_is_wrong_is_json_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "e.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    assert main(["verify", str(tmp_path / "e.zip"), "--json"]) == 3
    said = told(capsys)
    assert said["verified"] is False
    assert said["where"]
    assert main(["verify", str(tmp_path / "absent.zip"), "--json"]) == 3
    assert told(capsys)["why"] == "there is no such run or bundle"


def test_a_key_that_cannot_be_read_is_named_in_words(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent, empty = tmp_path / "absent.pem", tmp_path / "empty.pem"
    empty.write_text("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")
    assert main(["verify", str(made), "--key", str(absent)]) == 3
    err = capsys.readouterr().err
    assert "no public key: No such file or directory" in err
    assert "Errno" not in err
    assert main(["verify", str(made), "--key", str(empty)]) == 3
    err = capsys.readouterr().err
    assert "the file is empty, or holds something else" in err
    assert "ASN.1" not in err
