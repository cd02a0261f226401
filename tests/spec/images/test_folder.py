"""A folder of images: links are refused, pipes never waited for."""

import os
from pathlib import Path

from harness.spec.images import digest, opened
from harness.spec.images.folder import folder as listed
from tests.spec.images.making import COLOURS, folder, png, seen


def test_a_link_is_refused_and_not_followed(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.png").write_bytes(png())
    (root / "link.png").symlink_to(tmp_path / "elsewhere" / "d.png")
    (root / "more").symlink_to(tmp_path / "elsewhere")
    found = seen(root)
    assert {found.pop(name) for name in ("link.png", "more")} == {"a link, or no regular file"}
    assert found == COLOURS


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    root = folder(tmp_path)
    os.mkfifo(root / "pipe.png")
    assert seen(root)["pipe.png"] == "a link, or no regular file"
    assert digest(root) != digest(folder(tmp_path / "other"))


def test_a_file_that_became_a_link_or_went_is_a_failure(tmp_path: Path) -> None:
    root = folder(tmp_path)
    with listed(root) as found:
        (root / "a.png").unlink()
        (root / "dogs" / "b.png").unlink()
        (root / "dogs" / "b.png").symlink_to(root / "dogs" / "c.png")
        assert "cannot be read" in str(found.read("a.png"))
        assert "cannot be read" in str(found.read("dogs/b.png"))


def test_a_name_that_is_no_utf_8_is_one_failure(tmp_path: Path) -> None:
    root = folder(tmp_path)
    with open(os.fsencode(root) + b"/\xff.png", "wb") as file:  # noqa: PTH123 - bytes
        file.write(png())
    assert "no plain text" in str(seen(root)["\\udcff.png"])
    assert digest(root)
    with opened(root) as found:
        assert found.read("a.png") == png()
