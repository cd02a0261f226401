"""Collections of small pictures for a test, each picture of one colour."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from harness.records import Failure, Media
from harness.spec.images import images

COLOURS = {"a.png": (200, 0, 0), "dogs/b.png": (0, 200, 0), "dogs/c.png": (0, 0, 200)}


def png(colour: tuple[int, int, int] = (200, 0, 0), size: int = 4) -> bytes:
    buffer = io.BytesIO()
    Pillow.new("RGB", (size, size), colour).save(buffer, format="PNG")
    return buffer.getvalue()


FILES: dict[str, bytes] = {name: png(colour) for name, colour in COLOURS.items()}


def folder(root: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for name, data in files.items():
        target = root / "pictures" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root / "pictures"


def zip_bytes(files: Mapping[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_bytes(files: Mapping[str, bytes] = FILES, form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def archived(root: Path, kind: str, files: Mapping[str, bytes] = FILES) -> Path:
    """The files as a folder, or as an archive of this suffix."""
    if kind == "folder":
        return folder(root, files)
    path = root / f"pictures{kind}"
    data = zip_bytes(files) if kind == ".zip" else tar_bytes(files)
    path.write_bytes(gzip.compress(data) if kind in {".tar.gz", ".tgz"} else data)
    return path


def parquet(path: Path, columns: Mapping[str, Any], **how: Any) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(dict(columns)), path, **how)
    return path


def seen(path: Path, **how: Any) -> dict[str, tuple[int, ...] | str]:
    """Each image's first pixel, or its failure's reason."""
    return {name: first(image) for name, image, _ in images(path, **how)}


def first(image: Media | Failure) -> tuple[int, ...] | str:
    if isinstance(image, Failure):
        return image.reason
    if isinstance(image, str):
        return f"a text: {image}"
    return tuple(int(value) for value in image.pixels[0, 0])
