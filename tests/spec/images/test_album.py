"""Images of any container: the same names, pixels and columns, whatever holds them."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from harness.errors import SpecError
from harness.pictures import MAX_BYTES
from harness.spec.images import digest, images, opened
from tests.spec.images.making import COLOURS, FILES, archived, folder, parquet, png, seen

KINDS = ["folder", ".zip", ".tar", ".tar.gz", ".tgz"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_container_gives_the_same_images_sorted_by_name(
    kind: str, tmp_path: Path
) -> None:
    shuffled = dict(sorted(FILES.items(), reverse=True))
    found = seen(archived(tmp_path, kind, shuffled))
    assert found == COLOURS
    assert list(found) == sorted(COLOURS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_image_is_one_failure_among_good_ones(kind: str, tmp_path: Path) -> None:
    files = {
        **FILES,
        "cut.png": FILES["a.png"][:-30],
        "drawing.svg": b"<svg/>",
        "empty.png": b"",
        "photo.jpg": FILES["a.png"],
    }
    found = seen(archived(tmp_path, kind, files))
    assert {name: found.pop(name) for name in COLOURS} == COLOURS
    assert "cut short" in str(found["cut.png"])
    assert "it is no PNG" in str(found["drawing.svg"])
    assert "it is no PNG" in str(found["empty.png"])
    assert "it is PNG, though its name says JPEG" in str(found["photo.jpg"])
    assert len(found) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_picture_or_hidden_is_passed_over(kind: str, tmp_path: Path) -> None:
    files = {**FILES, "notes.txt": b"a", "__MACOSX/._a.png": b"a", ".cache/d.png": b"a"}
    assert seen(archived(tmp_path, kind, files)) == COLOURS


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_a_name_that_leads_outside_is_refused(kind: str, tmp_path: Path) -> None:
    bad = ["../out.png", "/etc/out.png", "d/../../out.png", "d\\..\\out.png", "line\nbreak.png"]
    found = seen(archived(tmp_path, kind, {**FILES, **dict.fromkeys(bad, png())}))
    assert {found.pop(name) for name in bad} == {
        "the file's name leads outside, or is no plain text"
    }
    assert found == COLOURS


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_too_large_is_refused_unread(kind: str, tmp_path: Path) -> None:
    path = archived(tmp_path, kind, {**FILES, "large.png": b"\0" * (MAX_BYTES + 1)})
    if kind not in {".tar.gz", ".tgz", ".zip"}:
        found = seen(path)
        assert "more than 67,108,864 bytes" in str(found.pop("large.png"))
        assert found == COLOURS
        return
    with pytest.raises(SpecError, match="more than 100 times its size"):
        seen(path)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_read_by_its_name_alone(kind: str, tmp_path: Path) -> None:
    with opened(archived(tmp_path, kind)) as found:
        assert found.read("dogs/b.png") == FILES["dogs/b.png"]
        assert found.read("./dogs//b.png") == FILES["dogs/b.png"]
        missing = found.read("../../etc/passwd")
    assert "no file of this name" in str(missing)


@pytest.mark.parametrize("name", ["a.rar", "a.png", "missing.zip", "missing", "nul\0.zip"])
def test_what_is_no_collection_is_an_error_that_says_what_is(name: str, tmp_path: Path) -> None:
    if name in {"a.rar", "a.png"}:
        (tmp_path / name).write_bytes(b"a")
    with pytest.raises(SpecError):
        list(images(tmp_path / name))
    with pytest.raises(SpecError):
        digest(tmp_path / name)


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz", ".parquet"])
@pytest.mark.parametrize("data", [b"", b"PK", b"PAR1PAR1", b"\x1f\x8b\x08", b"no" * 999])
def test_a_container_that_is_none_is_an_error(kind: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"a{kind}"
    path.write_bytes(data)
    with pytest.raises(SpecError, match=r"not a|not Parquet"):
        list(images(path))


def test_a_digest_changes_with_a_name_and_with_a_byte(tmp_path: Path) -> None:
    root = folder(tmp_path)
    before = digest(root)
    assert digest(root) == before
    (root / "a.png").rename(root / "z.png")
    renamed = digest(root)
    (root / "z.png").write_bytes(png((1, 2, 3)))
    assert len({before, renamed, digest(root)}) == 3


def test_listing_thousands_of_images_holds_one_of_them(tmp_path: Path) -> None:
    picture = png(size=256) + bytes(2**20)
    path = archived(tmp_path, ".tar", {f"{n:03d}.png": picture for n in range(64)})
    cells = [picture + bytes([n]) for n in range(64)]
    rows = parquet(tmp_path / "a.parquet", {"image": cells}, row_group_size=4)
    del cells
    for source in (path, rows):
        tracemalloc.start()
        held = [pa.total_allocated_bytes() for _ in images(source)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(held) == 64
        assert peak + max(held) < 24 * 2**20


def test_nothing_is_written_where_names_say(tmp_path: Path) -> None:
    path = archived(tmp_path, ".zip", {"../evil.png": png(), "evil.png": png()})
    code = (
        "from pathlib import Path; from harness.spec.images import images\n"
        f"list(images(Path({str(path)!r})))"
    )
    inside = tmp_path / "inside"
    inside.mkdir()
    root = Path(__file__).parents[3]
    subprocess.run(
        [sys.executable, "-c", code], cwd=inside, env={"PYTHONPATH": str(root)}, check=True
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["inside", path.name]
    assert list(inside.iterdir()) == []
