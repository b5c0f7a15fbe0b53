"""What is seen in a file is what viewers show, or it is refused by its name; metadata costs nothing."""

import io
import re
import resource
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.raw_pictures import bmp, jpeg_segment, png_chunk, tiff, with_chunk
from modelhub_pictures.decoding import open_picture, upright
from modelhub_pictures.errors import NotAnImage
from tests.hazards import SIZE, encode, scene
from tests.unit.pictures.expected import laid_on_white

RGB = np.asarray(scene())
GREY = np.asarray(scene("L"))
GREY_RGB = GREY[..., None].repeat(3, axis=2)
EXIF = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
"""Orientation 6."""

Pixels = NDArray[np.uint8]


def seen(data: bytes) -> Pixels:
    return np.asarray(open_picture(data))


def refusal(data: bytes) -> str:
    with pytest.raises(NotAnImage) as caught:
        open_picture(data)
    return str(caught.value)


# Metadata never costs the picture

BOMB = zlib.compress(bytes(50_000_000))
CHUNKS = {
    b"zTXt": b"Comment\0\0" + BOMB,
    b"iTXt": b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB,
    b"iCCP": b"profile\0\0" + BOMB,
    b"tEXt": b"Raw profile type exif\0" + b"a" * 2_000_000,
    b"eXIf": b"II*\0\xff\xff\xff\xff",
    b"gAMA": b"",
    b"pHYs": b"short",
    b"acTL": b"",
    b"fcTL": b"?",
    b"meTa": bytes(99),
}


@pytest.mark.parametrize("kind", CHUNKS)
@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("wrong_sum", [False, True])
def test_chunks_of_a_png_cost_nothing(kind: bytes, before: bytes, wrong_sum: bool) -> None:
    data = with_chunk(encode(scene(), "PNG"), png_chunk(kind, CHUNKS[kind], wrong_sum), before)
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert (seen(data) == RGB).all()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 30_000  # KiB
    assert time.process_time() - began < 1


def test_a_chunk_of_wrong_length_is_passed_over() -> None:
    damaged = struct.pack(">I", 7) + png_chunk(b"tEXt", b"words and words")[4:]
    assert (seen(with_chunk(encode(scene(), "PNG"), damaged)) == RGB).all()


@pytest.mark.parametrize("marker", [*range(0xE0, 0xF0), 0xFE])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Exif\0\0MM\0*\xff",
        b"JFIF",
        b"ICC_PROFILE\0\xff\xff",
        b"MPF\0II*\0\xff",
        b"Photoshop 3.0\x008BIM",
    ],
)
def test_segments_of_a_jpeg_cost_nothing(marker: int, content: bytes) -> None:
    data = encode(scene(), "JPEG")
    damaged = data[:20] + jpeg_segment(marker, content) * 3 + data[20:]
    assert (seen(damaged) == seen(data)).all()


@pytest.mark.parametrize("kind", [b"EXIF", b"XMP ", b"ICCP"])
def test_metadata_of_a_webp_that_is_cut_short_costs_nothing(kind: bytes) -> None:
    extended = encode(scene("RGBA"), "WEBP", lossless=True, exact=True)
    assert (seen(extended + kind + struct.pack("<I", 10**6) + b"cut short") == RGB).all()


# Orientation


def test_exif_turns_a_picture_and_xmp_does_not() -> None:
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert seen(encode(scene(), "JPEG", xmp=packet)).shape == RGB.shape
    assert seen(encode(scene(), "WEBP", xmp=packet)).shape == RGB.shape
    itxt = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
    assert (seen(with_chunk(encode(scene(), "PNG"), itxt)) == RGB).all()
    assert (seen(encode(scene(), "TIFF", tiffinfo={700: packet})) == RGB).all()
    both = encode(scene(), "JPEG", xmp=packet.replace(b"6", b"3"), exif=EXIF)
    assert seen(both).shape == (SIZE[0], SIZE[1], 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_is_applied_in_every_format_that_has_it(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert (seen(encode(scene(), kind, exif=exif)).shape) == (SIZE[0], SIZE[1], 3)


def test_a_picture_in_memory_is_turned_by_exif_alone() -> None:
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    for data, size in (
        (encode(scene(), "JPEG", xmp=packet), SIZE),
        (encode(scene(), "JPEG", exif=EXIF), SIZE[::-1]),
    ):
        with Image.open(io.BytesIO(data)) as picture:
            assert upright(picture).size == size


# Depth and photometric meaning


def packed(values: NDArray[np.uint32], bits: int, order: str) -> bytes:
    """Samples row by row: those of 16 bits in `order`, smaller ones from the highest bit on."""
    if bits in (16, 32):
        return values.astype(f"{order}u{bits // 8}").tobytes()
    digits = values[..., None] >> np.arange(bits - 1, -1, -1, dtype=np.uint32) & 1
    return np.packbits(digits.astype(np.uint8).reshape(len(values), -1), axis=1).tobytes()


@pytest.mark.parametrize("big", [False, True], ids=["classic", "BigTIFF"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16, 32])
def test_grey_tiff_of_any_depth_is_seen_or_refused_by_its_name(
    bits: int, photometric: int, order: str, big: bool
) -> None:
    most = 2**bits - 1
    values = (GREY.astype(np.uint64) * most // 255).astype(np.uint32)
    pixels = packed(values if photometric else most - values, bits, order)
    data = tiff(SIZE, [bits], photometric, pixels, order=order, big=big)
    if bits in (1, 2, 4, 8, 16) or (bits == 12 and order == "<"):
        assert np.abs(seen(data)[..., 0].astype(int) - values * 255.0 / most).max() <= 1
    else:
        assert f"{bits} bits a channel" in refusal(data)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_tiff_of_any_compression_is_seen(mode: str, compression: str) -> None:
    picture = Image.fromarray(GREY.astype(np.uint16) * 257) if mode == "I;16" else scene(mode)
    expected = GREY_RGB if mode == "I;16" else laid_on_white(picture)
    assert (seen(encode(picture, "TIFF", compression=compression)) == expected).all()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [8, 16])
def test_colours_of_a_tiff_are_seen(bits: int, order: str) -> None:
    kind, full = f"{order}u{bits // 8}", 1 if bits == 8 else 257
    values = RGB.astype(np.uint32) * full
    assert (seen(tiff(SIZE, [bits] * 3, 2, values.astype(kind).tobytes(), order=order)) == RGB).all()
    opaque = np.dstack([values, np.full(GREY.shape, 255 * full)]).astype(kind).tobytes()
    for extra in (0, 1, 2):
        data = tiff(SIZE, [bits] * 4, 2, opaque, {338: (3, [extra])}, order)
        assert (seen(data) == RGB).all()
    inks = np.dstack([255 * full - values, np.zeros(GREY.shape)]).astype(kind).tobytes()
    assert np.abs(seen(tiff(SIZE, [bits] * 4, 5, inks, order=order)).astype(int) - RGB).max() <= 2


def test_ycbcr_of_a_tiff_without_compression() -> None:
    pixels = np.asarray(scene("YCbCr")).tobytes()
    assert np.abs(seen(tiff(SIZE, [8] * 3, 6, pixels, {530: (3, [1, 1])})).astype(int) - RGB).max() <= 3
    for subsampling in ({530: (3, [2, 2])}, {}):
        assert "YCbCr colours of less resolution" in refusal(tiff(SIZE, [8] * 3, 6, pixels, subsampling))


def test_planes_of_a_tiff_are_seen_or_refused() -> None:
    for bits in (8, 16):
        planes = [
            (RGB[..., channel].astype(f"<u{bits // 8}") * (bits // 8)).tobytes() for channel in range(3)
        ]
        starts, lengths = [8 + len(planes[0]) * index for index in range(3)], [len(planes[0])] * 3
        more = {284: (3, [2]), 273: (4, starts), 279: (4, lengths)}
        data = tiff(SIZE, [bits] * 3, 2, b"".join(planes), more)
        if bits == 8:
            assert (seen(data) == RGB).all()
        else:
            assert "in planes of their own" in refusal(data)


@pytest.mark.parametrize("full", [1, 257])
def test_a_palette_of_a_tiff_may_have_8_bits_or_16(full: int) -> None:
    colours = [value * full for value in range(256)] * 3
    assert (seen(tiff(SIZE, [8], 3, GREY.tobytes(), {320: (3, colours)})) == GREY_RGB).all()


@pytest.mark.parametrize(
    ("photometric", "more", "named"),
    [
        (1, {339: (3, [2])}, "signed integers"),
        (1, {339: (3, [3])}, "floating-point numbers"),
        (8, {}, "CIELab"),
        (9, {}, "ICCLab"),
        (32803, {}, "colour filter arrays"),
        (60000, {}, "photometric interpretation 60000"),
    ],
)
def test_what_a_tiff_holds_that_is_not_read_is_named(
    photometric: int, more: dict[int, tuple[int, list[int]]], named: str
) -> None:
    assert named in refusal(tiff(SIZE, [8], photometric, GREY.tobytes(), more))


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_with_alpha_of_a_tiff(photometric: int) -> None:
    grey = GREY if photometric else 255 - GREY
    alpha = np.full_like(GREY, 255)
    alpha[:10] = 0
    data = tiff(SIZE, [8, 8], photometric, np.dstack([grey, alpha]).tobytes(), {338: (3, [2])})
    assert (seen(data)[10:] == GREY_RGB[10:]).all()
    assert (seen(data)[:10] == 255).all()
    assert "16 bits a channel in grey with alpha" in refusal(tiff(SIZE, [16, 16], photometric, bytes(12_288)))


# PNG


def png(depth: int, colours: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG of 4 x 1 pixels; colours: 0 grey, 2 RGB, 3 palette."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, depth, colours, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" + rows))
    return b"\x89PNG\r\n\x1a\n" + b"".join((header, *chunks, pixels, png_chunk(b"IEND", b"")))


@pytest.mark.parametrize(
    ("depth", "colours", "rows", "key"),
    [
        (1, 0, b"\x50", ">H 0"),
        (2, 0, b"\x58", ">H 1"),
        (4, 0, b"\x5e\x51", ">H 5"),
        (8, 0, b"\xc8\0\xc8\1", ">H 200"),
        (16, 0, b"\xc8\1\0\0\xc8\1\xc8\2", ">H 51201"),
        (8, 2, bytes((1, 2, 3, 9, 9, 9, 1, 2, 3, 1, 2, 4)), ">HHH 1 2 3"),
        (
            16,
            2,
            bytes((1, 7, 2, 7, 3, 7, 9, 0, 9, 0, 9, 0, 1, 7, 2, 7, 3, 7, 4, 7, 2, 7, 3, 7)),
            ">HHH 263 519 775",
        ),
    ],
)
def test_the_transparent_colour_of_a_png_is_white_and_no_other_is(
    depth: int, colours: int, rows: bytes, key: str
) -> None:
    layout, *numbers = key.split()
    chunk = png_chunk(b"tRNS", struct.pack(layout, *map(int, numbers)))
    clear = seen(png(depth, colours, rows, chunk))
    plain = seen(png(depth, colours, rows))
    changed = (clear != plain).any(axis=2)[0]
    assert (clear[0, changed] == 255).all()
    assert (clear[0, ~changed] == plain[0, ~changed]).all()
    expected = {2: [1, 1, 0, 0]}.get(depth, [1, 0, 1, 0])
    assert changed.tolist() == [bool(one) for one in expected]


def test_a_palette_of_a_png_with_alpha_for_some_or_too_many_of_its_colours() -> None:
    palette = png_chunk(b"PLTE", bytes((10, 20, 30, 40, 50, 60)))
    for alpha in (b"\0", b"\0\xff", b"\0" + b"\xff" * 300):
        data = png(8, 3, b"\0\1\0\1", palette, png_chunk(b"tRNS", alpha))
        assert seen(data)[0].tolist() == [[255] * 3, [40, 50, 60]] * 2


def test_a_png_without_all_of_its_end_is_read_and_one_without_pixels_is_not() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), "PNG")
    for lost in (4, 12, 16):
        assert (seen(data[:-lost]) == noise).all()
    for lost in (60, 2000, len(data) - 60, len(data) - 30):
        assert f"cut short: it is incomplete, and ends at byte {len(data) - lost}" in refusal(data[:-lost])


def test_apples_own_png_is_named() -> None:
    data = encode(scene(), "PNG")
    assert "CgBI" in refusal(data[:8] + png_chunk(b"CgBI", bytes(4)) + data[8:])


# BMP


@pytest.mark.parametrize("alpha", [0, 255, 128])
def test_alpha_of_a_bmp_counts_unless_it_is_zero_everywhere(alpha: int) -> None:
    layer = np.dstack([RGB, np.full_like(GREY, alpha)])
    data = bmp(SIZE, layer[::-1, :, [2, 1, 0, 3]].tobytes(), (0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    expected = RGB if alpha == 0 else laid_on_white(Image.fromarray(layer))
    assert np.abs(seen(data).astype(int) - expected).max() <= 1


def test_what_a_bmp_holds_that_is_not_read_is_named() -> None:
    ten_bits = (0x3FF00000, 0xFFC00, 0x3FF, 0)
    assert "bitfields" in refusal(bmp(SIZE, bytes(4 * GREY.size), ten_bits))


# JPEG


def jpeg(**options: object) -> bytes:
    return encode(scene().resize((200, 152)), "JPEG", quality=95, **options)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_without_its_end_is_read_if_its_pixels_are_whole(mode: str, progressive: bool) -> None:
    data = encode(scene(mode), "JPEG", progressive=progressive)
    for lost in (1, 2):
        assert (seen(data[:-lost]) == seen(data)).all()


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_a_jpeg_that_is_cut_says_where(options: dict[str, object]) -> None:
    data = jpeg(**options)
    starts = data.index(b"\xff\xda") + 20
    rows = []
    for lost in range(5, len(data) - starts, 97):
        message = refusal(data[:-lost])
        assert f"cut short: it is incomplete, and ends at byte {len(data) - lost}" in message
        found = re.search(r"in row (\d+) of 152|before (its last scan|all of its pixels)", message)
        assert found, message
        rows.append(int(found[1] or 152))
    assert rows == sorted(rows, reverse=True) or "progressive" in options
    if "progressive" not in options:
        assert rows[0] >= 120
        assert rows[-1] <= 16


def test_zeros_in_place_of_a_jpegs_pixels_are_none() -> None:
    data = jpeg()
    assert (seen(data[:-2] + bytes(5000)) == seen(data)).all()
    assert "in row" in refusal(data[: len(data) // 2] + bytes(5000))


def test_a_jpeg_that_lacks_whole_scans_is_cut() -> None:
    data = jpeg(progressive=True)
    for scan in list(re.finditer(b"\xff\xda", data))[1:]:
        assert "cut short" in refusal(data[: scan.start()])


def test_a_reduced_jpeg_without_its_end_is_reduced() -> None:
    data = encode(scene().resize((1600, 1200)), "JPEG")
    assert open_picture(data[:-2], short_side=100).size == open_picture(data, short_side=100).size


@pytest.mark.parametrize(
    "make",
    [
        lambda: encode(scene(), "WEBP", lossless=True)[:-20],
        lambda: encode(scene(), "GIF")[:-300],
        lambda: encode(scene(), "BMP")[:-300],
        lambda: encode(scene(), "TIFF")[:-5000],
        lambda: encode(scene(), "GIF")[:20],
    ],
    ids=["WebP", "GIF", "BMP", "TIFF", "GIF's head"],
)
def test_any_file_that_is_cut_short_is_told_so(make: Callable[[], bytes]) -> None:
    data = make()
    assert f"cut short: it is incomplete, and ends at byte {len(data)}" in refusal(data)


def test_of_an_animation_the_first_frame_is_seen() -> None:
    others = [Image.new("RGB", SIZE, "red")]
    for kind, options in {"WEBP": {"lossless": True}, "PNG": {}, "TIFF": {}}.items():
        data = encode(scene(), kind, save_all=True, append_images=others, **options)
        assert (seen(data) == RGB).all()
