"""Pictures from anyone: one whole picture comes back as pixels, all else with a reason."""

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFile

from harness import pictures
from harness.records import Failure, Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
LOSSLESS = {"WEBP": {"lossless": True}}


def painting(height: int = 20, width: int = 30) -> NDArray[np.uint8]:
    """Few enough colours for a palette, and no symmetry."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows // 5 * 50, columns // 5 * 40, (rows + columns) // 20 * 99], axis=-1).astype(np.uint8)  # fmt: skip # noqa: E501


def saved(picture: Pillow.Image, kind: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **how)
    return buffer.getvalue()


def file_of(kind: str) -> bytes:
    return saved(Pillow.fromarray(painting()), kind, **LOSSLESS.get(kind, {}))


def pixels(data: bytes, name: str = "") -> NDArray[np.uint8]:
    image = pictures.decode(data, name)
    assert isinstance(image, Image), image
    return image.pixels


def reason(data: bytes, name: str = "") -> str:
    failure = pictures.decode(data, name)
    assert isinstance(failure, Failure)
    return failure.reason


def chunk(name: bytes, body: bytes) -> bytes:
    return (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    )


def png(
    width: int, height: int, *, depth: int = 8, colour: int = 2, body: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [
        chunk(b"IHDR", header),
        chunk(b"IDAT", zlib.compress(body, 9)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_pixels_survive_being_stored_and_equal_pixels_are_equal_bytes() -> None:
    data = pictures.encode(Image(painting()))
    assert (pixels(data) == painting()).all()
    assert pictures.encode(Image(np.asfortranarray(painting()))) == data


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_rgb_bytes(kind: str) -> None:
    found = pixels(file_of(kind))
    assert found.dtype == np.dtype(np.uint8)
    assert found.shape == (20, 30, 3)
    largest = np.abs(found.astype(int) - painting()).max()
    assert largest < (128 if kind == "JPEG" else 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_name_that_says_another_format_is_refused(kind: str) -> None:
    other = ".jpg" if kind != "JPEG" else ".png"
    assert "though its name says" in reason(file_of(kind), f"a{other}")
    own = next(suffix for suffix, format_ in pictures.SUFFIXES.items() if format_ == kind)
    assert pixels(file_of(kind), f"a{own.upper()}").any()
    assert pixels(file_of(kind), "a.data").any()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_cut_anywhere_is_refused_or_lacks_nothing(kind: str) -> None:
    data = file_of(kind)
    whole = pixels(data)
    cut = [pictures.decode(data[:length]) for length in range(len(data))]
    kept = [image for image in cut if isinstance(image, Image)]
    assert len(kept) <= 4  # the end mark of PNG and GIF
    assert all(np.array_equal(image.pixels, whole) for image in kept)


def test_a_cut_file_is_refused_even_where_another_library_told_pillow_to_repair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = file_of("JPEG")
    assert "cut short" in reason(data[: len(data) * 3 // 4])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_a_flipped_bit_in_the_pixels_of_a_png_is_seen() -> None:
    data = bytearray(file_of("PNG"))
    data[data.index(b"IDAT") + 20] ^= 1
    assert "broken" in reason(bytes(data))


def test_a_small_file_of_many_pixels_is_refused_before_it_is_decoded() -> None:
    bomb = png(12_000, 12_000, depth=1, colour=0, body=bytes(1501 * 12_000))
    assert len(bomb) < 20_000
    assert "more than 64,000,000 pixels" in reason(bomb)
    assert "more than 64,000,000 pixels" in reason(png(50_000, 50_000))
    assert "more than 64,000,000 pixels" in reason(png(2**31 - 1, 2**31 - 1))


def test_the_limit_does_not_depend_on_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", None)
    assert "more than 64,000,000 pixels" in reason(png(50_000, 50_000))


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = saved(Pillow.fromarray(painting()), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert "scans" in reason(data[:-2] + scan * 200 + data[-2:])


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF"])
def test_several_pictures_in_one_file_are_refused(kind: str) -> None:
    first, second = Pillow.fromarray(painting()), Pillow.new("RGB", (30, 20), "red")
    data = saved(first, kind, save_all=True, append_images=[second])
    assert "animated" in reason(data)


def test_a_jpeg_that_carries_its_preview_is_the_first_picture() -> None:
    first, second = Pillow.fromarray(painting()), Pillow.new("RGB", (10, 10), "red")
    data = saved(first, "MPO", save_all=True, append_images=[second])
    assert pixels(data, "a.jpg").shape == (20, 30, 3)


def test_rare_codecs_are_refused() -> None:
    grey = Pillow.fromarray(painting())
    assert "compression" in reason(saved(grey, "TIFF", compression="jpeg"))
    for codec in ("tiff_lzw", "packbits", "tiff_adobe_deflate"):
        assert (pixels(saved(grey, "TIFF", compression=codec)) == painting()).all()
    run_length = bytearray(saved(grey.quantize(8), "BMP"))
    run_length[30] = 1
    assert "compression" in reason(bytes(run_length))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_without_a_range_of_their_own_are_refused(mode: str) -> None:
    assert "samples" in reason(saved(Pillow.new(mode, (4, 4), 7), "TIFF"))


def test_alpha_is_laid_over_white() -> None:
    picture = Pillow.new("RGBA", (3, 1), (0, 0, 0, 0))
    picture.putpixel((1, 0), (200, 0, 0, 255))
    picture.putpixel((2, 0), (0, 0, 0, 51))
    wanted = [[255, 255, 255], [200, 0, 0], [204, 204, 204]]
    assert pixels(saved(picture, "PNG")).tolist() == [wanted]
    palette = Pillow.new("P", (2, 1))
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.putpixel((1, 0), 1)
    found = pixels(saved(palette, "PNG", transparency=0))
    assert found.tolist() == [[[255, 255, 255], [200, 0, 0]]]
    assert pixels(saved(Pillow.new("LA", (1, 1), (0, 51)), "PNG")).tolist() == [[[204] * 3]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(kind: str) -> None:
    deep = np.array([[0, 128, 129, 257, 32_768, 65_535]], dtype=np.uint16)
    found = pixels(saved(Pillow.fromarray(deep), kind))
    assert found[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]
    assert (found == found[..., :1]).all()


def test_sixteen_bits_of_colour_are_scaled_too() -> None:
    row = struct.pack(">6H", 0, 32_768, 65_535, 257, 514, 65_280)
    found = pixels(png(2, 1, depth=16, body=b"\0" + row))
    assert found.tolist() == [[[0, 128, 255], [1, 2, 255]]]


def test_the_transparent_value_of_deep_grey_is_white() -> None:
    data = png(2, 1, depth=16, colour=0, body=b"\0" + struct.pack(">2H", 300, 600))
    at = data.index(b"IDAT") - 4
    seen_through = data[:at] + chunk(b"tRNS", struct.pack(">H", 300)) + data[at:]
    assert pixels(seen_through)[0, :, 0].tolist() == [255, 2]


def test_cmyk_and_grey_become_rgb() -> None:
    cyan = Pillow.new("CMYK", (16, 16), (255, 0, 0, 0))
    red, green, blue = pixels(saved(cyan, "JPEG"))[8, 8]
    assert red < 10
    assert min(green, blue) > 245
    assert pixels(saved(Pillow.new("L", (2, 2), 7), "PNG")).tolist() == [[[7] * 3] * 2] * 2
    assert pixels(saved(Pillow.new("1", (1, 1), 1), "PNG")).tolist() == [[[255] * 3]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied(kind: str) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turn right
    data = saved(Pillow.fromarray(painting()), kind, exif=exif, **LOSSLESS.get(kind, {}))
    turned = np.rot90(painting(), k=-1)
    found = pixels(data)
    assert found.shape == turned.shape
    assert np.abs(found.astype(int) - turned).mean() < (16 if kind == "JPEG" else 0.01)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"P6 1 1 255 abc",
    ],
)
def test_other_content_is_refused_whatever_its_name(data: bytes) -> None:
    assert "it is no PNG" in reason(data, "a.png")


def test_every_reason_is_the_same_for_the_same_fault() -> None:
    data = file_of("JPEG")
    assert reason(data[:400]) == reason(data[:500])
    assert reason(b"a") == reason(b"b")


def test_no_warning_leaves() -> None:
    palette = Pillow.fromarray(painting()).quantize(8)
    data = saved(palette, "PNG", transparency=bytes(range(8)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pixels(data).any()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["", "a.png", "b.jpg", "c.gif"]))
def test_random_bytes_are_never_more_than_a_failure(data: bytes, name: str) -> None:
    assert isinstance(pictures.decode(data, name), Failure | Image)


FILES = {kind: file_of(kind) for kind in FORMATS}


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=6),
)
def test_damaged_files_are_never_more_than_a_failure(
    kind: str, edits: list[tuple[float, bytes]]
) -> None:
    data = bytearray(FILES[kind])
    for place, fresh in edits:
        # Squared: headers are where it hurts.
        start = int(place**2 * len(data))
        data[start : start + len(fresh)] = fresh
    found = pictures.decode(bytes(data))
    assert isinstance(found, Failure) or found.pixels.shape[2] == 3
