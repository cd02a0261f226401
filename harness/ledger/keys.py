"""The key that signs decisions and promotions here, and the keys whose signatures count.

They lie in `HARNESS_KEYS`, else in `~/.config/harness/keys`: `signing.pem` is this
machine's private key, and `trusted/NAME.pem` the public key of each person or
service that is believed, oneself included. A job that should leave no key on disk
brings its own in `HARNESS_SIGNING_KEY` (the PEM text) and its name in `HARNESS_SIGNER`.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import digests, durable
from harness.errors import AlteredError, RefusedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PRIVATE, TRUSTED = "signing.pem", "trusted"
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whose signature it is, the key's id (sha256 of its DER, in hex), and the key."""

    name: str
    key_id: str
    key: Ed25519PublicKey

    def signed(self, data: bytes, signature: bytes) -> bool:
        """Whether this key made this signature of these bytes."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    @property
    def pem(self) -> str:
        """The key as text, to hand to whoever verifies."""
        from cryptography.hazmat.primitives import serialization as form

        return self.key.public_bytes(
            form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
        ).decode()


@dataclass(frozen=True, slots=True)
class Signer:
    """This machine's own key."""

    public: PublicKey
    private: Ed25519PrivateKey

    def sign(self, data: bytes) -> bytes:
        """Sign bytes: 64 bytes of ed25519."""
        return self.private.sign(data)


def folder() -> Path:
    """Where keys lie."""
    if named := os.environ.get("HARNESS_KEYS"):
        return Path(named)
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "harness" / "keys"


def init(name: str | None = None) -> Signer:
    """Make this machine's key, and trust it.

    Args:
        name: Who signs; the account's name when left out.

    Raises:
        RefusedError: There is a key already, or the name is none.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder() / PRIVATE
    if path.exists():
        raise RefusedError(
            "there is a key already; what it signed would lose its signer",
            where=str(path),
            fix="harness keys show; or name another folder in HARNESS_KEYS",
        )
    private = Ed25519PrivateKey.generate()
    public = _public(_checked_name(name or _account()), private.public_key())
    text = private.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
    )
    durable.write(folder() / TRUSTED / f"{public.name}.pem", public.pem.encode())
    durable.write(path, text)
    return Signer(public, private)


def signer() -> Signer:
    """This machine's key; made on the first use.

    Raises:
        AlteredError: What lies there is no ed25519 key.
    """
    text = os.environ.get("HARNESS_SIGNING_KEY")
    if text:
        private = _private(text.encode(), "HARNESS_SIGNING_KEY")
        name = _checked_name(os.environ.get("HARNESS_SIGNER") or _account())
        return Signer(_public(name, private.public_key()), private)
    path = folder() / PRIVATE
    if not path.exists():
        return init()
    private = _private(path.read_bytes(), str(path))
    key_id = _public("", private.public_key()).key_id
    known = _in_folder().get(key_id)
    return Signer(known or _public(_account(), private.public_key()), private)


def trusted(more: Sequence[Path] = ()) -> Mapping[str, PublicKey]:
    """Every key that is believed, by its id: those in the folder, one's own, and `more`.

    Args:
        more: Files of public keys; each is called by its file's name.

    Raises:
        AlteredError: A file is no ed25519 public key.
    """
    own = [signer().public] if os.environ.get("HARNESS_SIGNING_KEY") else []
    given = [read_public(path) for path in more]
    return {key.key_id: key for key in (*own, *given)} | _in_folder()


def trust(path: Path, name: str | None = None) -> PublicKey:
    """Believe another's key from now on.

    Raises:
        RefusedError: Another key has that name already.
        AlteredError: The file is no ed25519 public key.
    """
    read = read_public(path)
    public = _public(_checked_name(name or read.name), read.key)
    place = folder() / TRUSTED / f"{public.name}.pem"
    if place.exists() and read_public(place).key_id != public.key_id:
        raise RefusedError(
            f"another key is trusted as {public.name!r}", where=str(place), fix="say --name"
        )
    durable.write(place, public.pem.encode())
    return public


def read_public(path: Path) -> PublicKey:
    """Read a public key, PEM, the base64 line of one, or what `harness keys show` printed.

    Raises:
        AlteredError: It is absent, or no ed25519 public key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        data = path.read_bytes().strip()
        if b"PRIVATE KEY-----" in data:
            raise AlteredError(
                "no public key, but a private one: keep it to yourself",
                where=str(path),
                fix="openssl pkey -in FILE -pubout",
            )
        blocks = _PEM.findall(data)
        if len(blocks) == 1:  # perhaps among other lines, as `keys show` prints it
            (data,) = blocks
        else:
            data = b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % data
        key = load_pem_public_key(data)
    except OSError as error:
        raise AlteredError(
            f"no public key: {error.strerror or 'it cannot be read'}", where=str(path)
        ) from error
    except ValueError as error:
        raise AlteredError(
            "no public key: the file is empty, or holds something else than one key",
            where=str(path),
            fix="`harness keys show` prints one, on the machine of who signs",
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise AlteredError("not an ed25519 public key", where=str(path))
    return _public(path.stem, key)


def _in_folder() -> dict[str, PublicKey]:
    found = [read_public(path) for path in sorted((folder() / TRUSTED).glob("*.pem"))]
    return {key.key_id: key for key in found}


def _private(text: bytes, where: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as error:
        raise AlteredError("no private key that can be read", where=where) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise AlteredError("not an ed25519 private key", where=where)
    return key


def _public(name: str, key: Ed25519PublicKey) -> PublicKey:
    from cryptography.hazmat.primitives import serialization as form

    der = key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(name, digests.of_bytes(der), key)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise RefusedError(
            "a signer's name has letters, digits and . _ @ - only", where=repr(name)
        )
    return name


def _account() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return "unnamed"
    return name if _NAME.fullmatch(name) else "unnamed"


__all__ = ["PublicKey", "Signer", "folder", "init", "read_public", "signer", "trust", "trusted"]
