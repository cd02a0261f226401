"""A line that a program wrote, read without trust."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path

from harness import pictures
from harness.records import Failure, Generated, Modality

_MARKS = frozenset(" ^~")
_KINDS = ("text", "image", "image_base64", "error")


def read(
    line: bytes, case_id: str, modality: Modality, folder: Path
) -> Generated | Failure | str:
    """Read one answer.

    Args:
        line: What the program wrote.
        case_id: The case it was asked for.
        modality: What it should be.
        folder: Where files of pictures lie.

    Returns:
        The answer; a failure of the picture; or the program's own word for what failed.

    Raises:
        ValueError: It is no answer to this case: the program is out of step.
    """
    reply = _object(line)
    if reply.get("case_id") != case_id:
        raise ValueError("the program answered another case, or named none in `case_id`")
    kinds = [kind for kind in _KINDS if kind in reply]
    if len(kinds) != 1:
        raise ValueError(f"the program's answer holds not one of {', '.join(_KINDS)}")
    (kind,) = kinds
    value = reply[kind]
    if not isinstance(value, str):
        raise ValueError(f"the program's {kind} is {type(value).__name__}, not text")  # noqa: TRY004
    if kind == "error":
        return " ".join(value.split()) or "the program says only that it failed"
    if (kind == "text") != (modality == "text"):
        return Failure(f"the program answered with {kind}, and {modality} was asked for")
    if kind == "text":
        return Generated(media=value)
    data = _in_folder(value, folder) if kind == "image" else _decoded(value)
    if isinstance(data, Failure):
        return data
    image = pictures.decode(data, value if kind == "image" else "")
    return image if isinstance(image, Failure) else Generated(media=image)


def shortened(text: str, characters: int) -> str:
    """Leave out the middle of a text that is longer than so many characters."""
    if len(text) <= characters:
        return text
    head = characters // 2
    return f"{text[:head]}…{text[head + 1 - characters :]}"


def last_words(text: str, characters: int) -> str:
    """Give the end of what a program wrote to standard error: its last line whole, if it fits.

    Python's marks under a line of code are left out: they say nothing on one line.
    """
    lines = [" ".join(line.split()) for line in text.splitlines() if set(line) - _MARKS]
    if not lines:
        return ""
    last, all_of_it = lines[-1], " ".join(lines)
    if len(last) >= characters:
        return shortened(last, characters)
    cut = len(all_of_it) > characters
    return f"…{all_of_it[1 - characters :]}" if cut else all_of_it


def _object(line: bytes) -> dict[str, object]:
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("the program wrote a line that is no JSON") from error
    if not isinstance(reply, dict):
        raise ValueError("the program wrote a line that is no JSON object")  # noqa: TRY004
    return reply


def _in_folder(name: str, folder: Path) -> bytes | Failure:
    """Read a file of the suite's folder, and none that a link or `..` leads to."""
    root = folder.resolve()
    try:
        path = (root / name).resolve(strict=True)
        if not path.is_relative_to(root) or not path.is_file():
            return Failure("the program's picture is no file in the suite's folder")
        with path.open("rb") as file:
            data = file.read(pictures.MAX_BYTES + 1)
    except (OSError, ValueError):
        return Failure("the program's picture is no file in the suite's folder")
    if len(data) > pictures.MAX_BYTES:
        return Failure(f"the picture has more than {pictures.MAX_BYTES:,} bytes")
    return data


def _decoded(text: str) -> bytes | Failure:
    if len(text) > pictures.MAX_BYTES * 4 // 3 + 4:
        return Failure(f"the picture has more than {pictures.MAX_BYTES:,} bytes")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Failure("the picture is no base64")
