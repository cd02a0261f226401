"""The objects under one URL of object storage: listed, fetched, put and removed.

Everything that can go wrong with a store is told from here, in words of ours:
what a store's client says of an error may hold a credential.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from harness.errors import AlteredError, HarnessError, PluginError, SpecError, StorageError

T = TypeVar("T")

PAUSES_SECONDS = (0.5, 2.0, 5.0)
"""How long to wait before asking again; each is shortened by chance, up to a half."""
_KINDS = {
    "s3": "pip install 'harness[s3]'", "s3a": "pip install 'harness[s3]'",
    "gs": "pip install gcsfs", "gcs": "pip install gcsfs",
    "az": "pip install adlfs", "abfs": "pip install adlfs", "abfss": "pip install adlfs",
    "memory": "",
}  # fmt: skip
"""Stores where an upload is whole or absent, and what makes each known."""
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/{1,2}(?!/)")
_TOKEN = ("ETag", "etag", "md5Hash", "generation", "created", "LastModified", "size")
_AT_ONCE = 256
_FIXES = {
    "NoCredentialsError": "give credentials as your store's client takes them, for example "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in AWS_PROFILE",
    "FileNotFoundError": "make the bucket, or mend its name",
    "PermissionError": "ask for the right to list, read, write and delete there, and check the "
    "credentials",
}
_FINAL = (*_FIXES, "PartialCredentialsError", "ProfileNotFound", "ParamValidationError")
_FIX = (
    "check the network and the address, for example AWS_ENDPOINT_URL; what is stored is kept, "
    "and the same command goes on from there"
)


@dataclass(frozen=True, slots=True)
class Found:
    """One object: its size in bytes, and what changes when its content does."""

    size: int
    token: str


def is_url(place: object) -> bool:
    """Whether this names a place in object storage, and no folder here."""
    return isinstance(place, str) and "://" in place and bool(_URL.match(place))


class Objects:
    """The objects under one URL, by their names relative to it.

    Args:
        url: Such as `s3://bucket/runs/x`.

    Raises:
        SpecError: It is no place that a run can be in.
        PluginError: The store's client is not installed.
        StorageError: The client cannot be made.
    """

    def __init__(self, url: str) -> None:
        self.url = checked(url)
        self._fs, self._root = _opened(self.url)

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.url.rpartition("/")[2]

    def above(self) -> Objects:
        """The objects beside this place."""
        found = object.__new__(Objects)
        found.url, found._fs = self.url.rpartition("/")[0], self._fs
        found._root = self._root.rpartition("/")[0]
        return found

    def listed(self, under: str = "") -> dict[str, Found]:
        """Every object, freshly listed.

        Raises:
            AlteredError: A name would lead out of a folder.
        """
        base = f"{self._root}/{under}" if under else self._root

        def ask() -> dict[str, Any]:
            self._fs.invalidate_cache()
            try:
                return dict(self._fs.find(base, detail=True))
            except FileNotFoundError:
                return {}

        found = {}
        for path, info in self._asked("list", ask).items():
            name = path.removeprefix(self._root).lstrip("/")
            if info.get("type") == "file" and name and not name.endswith("/"):
                token = "|".join(str(info[key]) for key in _TOKEN if key in info)
                found[_safe(name, self.url)] = Found(int(info["size"]), token)
        return found

    def fetch(self, targets: Mapping[str, Path]) -> None:
        """Fetch objects into files, many at a time; each name with the file it goes to."""
        names = sorted(targets)
        for target in targets.values():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            here = [str(targets[name]) for name in part]
            there = [self._path(name) for name in part]
            self._asked("read", partial(self._fs.get, there, here))

    def put(self, sources: Mapping[str, Path]) -> None:
        """Put files there, many at a time; each is there whole or not at all."""
        names = sorted(sources)
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            here = [str(sources[name]) for name in part]
            there = [self._path(name) for name in part]
            self._asked("write", partial(self._fs.put, here, there))

    def remove(self, names: Sequence[str]) -> None:
        """Delete objects, one after the other; one may be gone already."""
        for path in map(self._path, names):
            self._asked("delete", partial(self._unless_absent, path, self._fs.rm_file))

    def read(self, name: str) -> bytes | None:
        """Read a small object; None where there is none."""
        path = self._path(name)
        return self._asked("read", lambda: self._unless_absent(path, self._fs.cat_file))

    def write(self, name: str, data: bytes) -> None:
        """Write a small object, whatever was there."""
        path = self._path(name)
        self._asked("write", lambda: self._fs.pipe_file(path, data))

    def modified(self, name: str) -> datetime | None:
        """When an object was last written, by the store's clock; None where there is none."""
        path = self._path(name)
        self._fs.invalidate_cache()
        return self._asked("read", lambda: self._unless_absent(path, self._fs.modified))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @staticmethod
    def _unless_absent(path: str, work: Callable[[str], T]) -> T | None:
        try:
            return work(path)
        except FileNotFoundError:
            return None

    def _asked(self, verb: str, work: Callable[[], T]) -> T:
        """Ask the store, again where that may help. The one border to its client's errors."""
        for pause in (*PAUSES_SECONDS, None):
            try:
                return work()
            except HarnessError:
                raise
            except Exception as error:  # each store's client has its own kinds
                if pause is None or _kind(error) in _FINAL:
                    raise _told(verb, self.url, error) from error
                time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
        raise StorageError("object storage was not asked", where=self.url)


def checked(url: str) -> str:
    """Give a URL in its one form, without an end slash.

    Raises:
        SpecError: It is no place that a run can be in; what it may hold of secrets is not told.
    """
    kind, _, rest = url.partition("://")
    if kind.lower() not in _KINDS:
        raise SpecError(
            f"a run cannot be kept at {kind}://",
            fix="name a folder, or a URL of object storage: s3://bucket/runs/name",
        )
    bucket, _, key = rest.strip("/").partition("/")
    if "@" in bucket or "?" in rest or "#" in rest:
        raise SpecError(
            "the URL of a run holds no credentials and no options",
            fix="set them as your store's client takes them, in the environment or a profile",
        )
    parts = key.split("/")
    if not bucket or not all(part not in ("", ".", "..") for part in parts):
        raise SpecError(
            "a run is a folder in a bucket", where=url, fix="for example s3://bucket/runs/name"
        )
    return f"{kind.lower()}://{bucket}/{key}"


def _opened(url: str) -> tuple[Any, str]:
    import fsspec

    kind = url.partition("://")[0]
    try:
        fs, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise PluginError(
            f"what reaches {kind}:// is not installed", where=url, fix=_KINDS[kind]
        ) from error
    return fs, root.rstrip("/")


def _safe(name: str, url: str) -> str:
    """A name that stays in the folder it is fetched to; whoever writes a bucket chooses it."""
    if PurePosixPath(name).is_absolute() or ".." in name.split("/") or not name.isprintable():
        raise AlteredError("an object's name leads out of its folder", where=f"{url}: {name!r}")
    return name


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _told(verb: str, url: str, error: Exception) -> StorageError:
    """Say what failed by the kinds of the errors alone: their texts are not ours."""
    kinds = [_kind(error)]
    response = getattr(error.__cause__, "response", None)
    if isinstance(response, dict):
        kinds.append(str(response.get("Error", {}).get("Code", "")))
    elif error.__cause__ is not None:
        kinds.append(_kind(error.__cause__))
    return StorageError(
        f"object storage cannot {verb} what was asked: {', '.join(filter(None, kinds))}",
        where=url,
        fix=_FIXES.get(kinds[0], _FIX),
    )
