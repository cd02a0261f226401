"""Tars: links, loops, long headers and bombs are refused, and no damage does more."""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.pictures import MAX_BYTES
from tests.spec.images.making import COLOURS, FILES, png, seen, tar_bytes


def written(root: Path, data: bytes) -> Path:
    path = root / ("a.tar.gz" if data[:2] == b"\x1f\x8b" else "a.tar")
    path.write_bytes(data)
    return path


def header(name: str, kind: bytes, size: int = 0, link: str = "") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, link
    return entry.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_a_link_or_device_is_refused(kind: bytes, tmp_path: Path) -> None:
    data = header("link.png", kind, link="/etc/passwd") + tar_bytes()
    found = seen(written(tmp_path, data))
    assert found.pop("link.png") == "a link, or no regular file"
    assert found == COLOURS


def test_the_later_of_two_files_of_one_name_does_not_win(tmp_path: Path) -> None:
    data = tar_bytes({"./a.png": png()})
    twice = data[:1024] + tar_bytes()
    assert seen(written(tmp_path, twice))["a.png"] == "two files have this name"


def test_a_size_below_zero_is_no_endless_loop(tmp_path: Path) -> None:
    loop = header("a.png", tarfile.REGTYPE, size=-1024)
    with pytest.raises(SpecError, match="leads back"):
        seen(written(tmp_path, tar_bytes()[:1024] + loop + tar_bytes()))
    body = b"19 size=-000001024\n"
    pax = header("x", tarfile.XHDTYPE, len(body)) + body.ljust(512, b"\0")
    with pytest.raises(SpecError, match="leads back"):
        seen(written(tmp_path, tar_bytes()[:1024] + pax + tar_bytes()))


def test_a_long_header_does_not_fill_the_memory(tmp_path: Path) -> None:
    size = 2**25
    data = header("././@LongLink", tarfile.GNUTYPE_LONGNAME, size) + b"a" * size + tar_bytes()
    with pytest.raises(SpecError, match="header is too long"):
        seen(written(tmp_path, data))


def test_long_names_are_read(tmp_path: Path) -> None:
    name = "/".join(["d" * 90] * 3) + "/a.png"
    for how in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        data = tar_bytes({name: png()}, how)
        assert seen(written(tmp_path, data)) == {name: COLOURS["a.png"]}


def test_a_broken_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    data = bytearray(tar_bytes())
    data[1024] ^= 1
    with pytest.raises(SpecError, match="header is broken"):
        seen(written(tmp_path, bytes(data)))


@pytest.mark.parametrize("packed", [False, True])
def test_a_tar_that_is_cut_is_an_error(packed: bool, tmp_path: Path) -> None:
    data = tar_bytes()[:2000]
    cut = gzip.compress(tar_bytes())[:-20] if packed else data
    with pytest.raises(SpecError, match="not a tar"):
        seen(written(tmp_path, cut))


def test_a_small_gzip_of_many_bytes_is_refused_while_it_is_unpacked(tmp_path: Path) -> None:
    zeros = gzip.compress(bytes(2**20), 9) * (MAX_BYTES // 2**20 + 1)
    assert len(zeros) < MAX_BYTES // 500
    with pytest.raises(SpecError, match="more than 100 times its size"):
        seen(written(tmp_path, zeros))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 511), st.binary(min_size=1, max_size=12)),
        max_size=4,
    ),
    st.integers(0, 10_240),
    st.booleans(),
)
def test_a_damaged_tar_is_failures_or_an_error(
    edits: list[tuple[int, int, bytes]], length: int, mend: bool
) -> None:
    data = bytearray(tar_bytes())
    for member, place, fresh in edits:
        start = member * 1024 + place
        data[start : start + len(fresh)] = fresh
        block = data[member * 1024 : member * 1024 + 512]
        if mend and len(block) == 512:
            total = sum(block[:148]) + 8 * 32 + sum(block[156:])
            data[member * 1024 + 148 : member * 1024 + 156] = b"%06o\0 " % total
    cut = bytes(data if length > 4000 else data[:length])
    with tempfile.TemporaryDirectory() as root:
        try:
            found = seen(written(Path(root), cut))
        except SpecError:
            return
        assert all(isinstance(value, str | tuple) for value in found.values())


def test_the_fuzzed_tar_is_a_good_one() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_bytes())) as archive:
        assert archive.getnames() == list(FILES)
