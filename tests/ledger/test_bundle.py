"""A bundle has one form, and is read in no other."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import AlteredError
from harness.ledger.bundle import pack, unpack

MEMBERS: dict[str, Path | bytes] = {
    "run/a.json": b"{}\n",
    "run/b/c": b"\x00" * 700,
    "s.md": b"#",
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    pack(MEMBERS, tmp_path / "b.zip")
    return tmp_path / "b.zip"


def refused(path: Path, tmp_path: Path) -> str:
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(AlteredError) as caught:
        unpack(path, target)
    return str(caught.value)


def test_the_same_members_are_the_same_bytes_and_come_back(
    bundle: Path, tmp_path: Path
) -> None:
    big = tmp_path / "c"
    big.write_bytes(b"\x00" * 700)
    pack({"s.md": b"#", "run/b/c": big, "run/a.json": b"{}\n"}, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600

    (tmp_path / "out").mkdir()
    unpack(bundle, tmp_path / "out")
    assert {n: (tmp_path / "out" / n).read_bytes() for n in MEMBERS} == MEMBERS


def test_any_byte_that_changes_is_noticed(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    damaged = tmp_path / "damaged.zip"
    for place in range(len(whole)):
        for flip in (1, 128):
            changed = bytearray(whole)
            changed[place] ^= flip
            damaged.write_bytes(changed)
            target = tmp_path / f"{place}-{flip}"
            target.mkdir()
            with pytest.raises(AlteredError):
                unpack(damaged, target)


@pytest.mark.parametrize("more", [b"x", b"PK\x05\x06" + bytes(18)])
def test_bytes_before_or_after_it_are_noticed(
    bundle: Path, tmp_path: Path, more: bytes
) -> None:
    whole = bundle.read_bytes()
    for number, changed in enumerate((more + whole, whole + more)):
        bundle.write_bytes(changed)
        target = tmp_path / str(number)
        target.mkdir()
        with pytest.raises(AlteredError):
            unpack(bundle, target)


@pytest.mark.parametrize(
    "name", ["../out.txt", "/etc/x", "a/../../b", "a\\b", "c:x", "a//b", "./a", "a\nb", "dir/"]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        file.writestr(zipfile.ZipInfo(name), b"x")
    assert "not a bundle" in refused(tmp_path / "b.zip", tmp_path)
    assert not (tmp_path / "out.txt").exists()


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        file.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("a", b"2")
    assert "not a bundle" in refused(tmp_path / "b.zip", tmp_path)


def test_a_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(10_000_000))
    assert "not a bundle" in refused(tmp_path / "b.zip", tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


@given(st.binary(max_size=300))
def test_nothing_makes_it_crash(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "b.zip").write_bytes(data)
    with pytest.raises(AlteredError):
        unpack(folder / "b.zip", folder)


@given(st.data())
def test_a_bundle_cut_off_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    pack(MEMBERS, folder / "b.zip")
    whole = (folder / "b.zip").read_bytes()
    (folder / "b.zip").write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    (folder / "out").mkdir()
    with pytest.raises(AlteredError):
        unpack(folder / "b.zip", folder / "out")


TOKENS = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"\xff" * 4, b"\x00" * 4)


@given(st.data())
def test_a_bundle_that_was_mangled_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut out, doubled, overwritten with what means something to a reader of archives."""
    folder = tmp_path_factory.mktemp("mangled")
    pack(MEMBERS, folder / "b.zip")
    whole = (folder / "b.zip").read_bytes()
    changed = whole
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(changed)))
        gone = data.draw(st.integers(0, 12))
        start = data.draw(st.integers(0, len(changed)))
        piece = st.sampled_from([*TOKENS, changed[start : start + 60]]) | st.binary(max_size=6)
        changed = changed[:place] + data.draw(piece) + changed[place + gone :]
    (folder / "b.zip").write_bytes(changed)
    (folder / "out").mkdir()
    if changed == whole:
        unpack(folder / "b.zip", folder / "out")
        return
    with pytest.raises(AlteredError):
        unpack(folder / "b.zip", folder / "out")
    assert {one.name for one in folder.iterdir()} == {"b.zip", "out"}
