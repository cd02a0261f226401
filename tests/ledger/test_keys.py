"""Keys: made once, kept secret, and believed only where somebody said so."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from harness.errors import AlteredError, RefusedError
from harness.ledger import keys


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_the_first_signature_makes_a_key_that_only_its_owner_can_read(place: Path) -> None:
    made = keys.signer()

    assert stat.S_IMODE((place / "signing.pem").stat().st_mode) == 0o600
    assert keys.signer().public == made.public
    assert keys.trusted()[made.public.key_id].signed(b"text", made.sign(b"text"))
    assert not made.public.signed(b"texts", made.sign(b"text"))


def test_a_key_is_never_overwritten() -> None:
    keys.init("ann")
    with pytest.raises(RefusedError, match="there is a key already"):
        keys.init("ann")
    assert keys.signer().public.name == "ann"


@pytest.mark.parametrize("name", ["", "../ann", "a b", "-x", "a" * 65, "ann\n"])
def test_a_name_that_is_no_file_name_is_refused(name: str, place: Path) -> None:
    if name:
        with pytest.raises(RefusedError, match="a signer's name"):
            keys.init(name)
        assert not place.exists()


def test_a_job_brings_its_key_in_the_environment_and_leaves_none_behind(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keys.init("ci")
    text = (place / "signing.pem").read_text()
    monkeypatch.setenv("HARNESS_KEYS", str(place / "other"))
    monkeypatch.setenv("HARNESS_SIGNING_KEY", text)
    monkeypatch.setenv("HARNESS_SIGNER", "ci-release")

    found = keys.signer()

    assert (found.public.name, found.public.key_id) == ("ci-release", made.public.key_id)
    assert found.public.key_id in keys.trusted()
    assert not (place / "other").exists()


def test_anothers_key_is_believed_once_it_is_trusted(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs = keys.init("bob").public
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "ours"))
    keys.init("ann")
    file = tmp_path / "bob.pem"
    file.write_text(theirs.pem)

    assert theirs.key_id not in keys.trusted()
    assert keys.trusted([file])[theirs.key_id].name == "bob"
    keys.trust(file)
    assert keys.trusted()[theirs.key_id].name == "bob"


def test_two_keys_cannot_have_one_name(tmp_path: Path) -> None:
    keys.init("ann")
    other = tmp_path / "ann.pem"
    other.write_text((tmp_path / "keys" / "trusted" / "ann.pem").read_text())
    assert keys.trust(other).name == "ann"
    pem = generate_ed25519()
    other.write_bytes(pem)
    with pytest.raises(RefusedError, match="another key is trusted as 'ann'"):
        keys.trust(other)


def test_the_line_that_policies_hold_is_a_public_key_too(tmp_path: Path) -> None:
    made = keys.init("ann").public
    line = "".join(made.pem.splitlines()[1:-1])
    file = tmp_path / "line.pub"
    file.write_text(line)
    assert keys.read_public(file).key_id == made.key_id


def test_what_the_command_printed_is_a_public_key_too_if_it_holds_one(
    tmp_path: Path,
) -> None:
    made = keys.init("ann").public
    file = tmp_path / "shown.txt"
    shown = f"key       {made.key_id}  ann\n{made.pem}trusted   {made.key_id[:16]}  ann\n"
    file.write_text(shown)
    assert keys.read_public(file).key_id == made.key_id
    file.write_text(shown + made.pem)
    with pytest.raises(AlteredError, match="no public key"):
        keys.read_public(file)


@pytest.mark.parametrize("text", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\n!!\n"])
def test_what_is_no_key_is_named(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "x.pem"
    file.write_bytes(text)
    with pytest.raises(AlteredError, match="no public key"):
        keys.read_public(file)


def test_a_private_key_in_place_of_a_public_one_is_told_as_that(tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    file.write_bytes(b"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n")
    with pytest.raises(AlteredError, match="but a private one"):
        keys.read_public(file)


def test_a_key_of_another_kind_is_refused(tmp_path: Path, place: Path) -> None:
    other = generate_private_key(SECP256R1())
    public = other.public_key().public_bytes(
        form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "ec.pem").write_bytes(public)
    with pytest.raises(AlteredError, match="not an ed25519 public key"):
        keys.read_public(tmp_path / "ec.pem")
    place.mkdir()
    private = other.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
    )
    (place / "signing.pem").write_bytes(private)
    with pytest.raises(AlteredError, match="not an ed25519 private key"):
        keys.signer()


def generate_ed25519() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return (
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    )
