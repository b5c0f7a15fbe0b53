"""Files cost no more than their pixels: metadata is skipped, hostile structure refused, the unusual read."""

import io
import random
import struct
import time
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.fuzzing import mutate
from bench.hazards import of_scans
from modelhub_pictures.errors import NotAnImage, PictureError, TooManyPixels
from modelhub_pictures.limits import (
    MAX_CHUNKS,
    MAX_DIRECTORY_ENTRIES,
    MAX_GIF_BLOCKS,
    MAX_PIXELS,
    MAX_SCANS,
    MAX_SEGMENTS,
)
from tests.hazards import encode, scene
from vision.picture import decode_image

PROMPT_S = 2.0
"""A refusal takes milliseconds; what is refused would take from seconds to hours."""


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(**options: object) -> bytes:
    return encode(scene(), "JPEG", **options)


def with_segments(*segments: bytes) -> bytes:
    """A JPEG with these segments first."""
    data = jpeg()
    return data[:2] + b"".join(segments) + data[2:]


Number = tuple[int, int, int, int]
"""Tag, kind, count, and the value or where it is."""


def directory(*numbers: Number, order: str = "<", content: bytes = b"") -> bytes:
    """A TIFF structure; `content` follows its directory."""
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "I", 8)
    rows = b"".join(struct.pack(order + "HHII", *number) for number in numbers)
    return head + struct.pack(order + "H", len(numbers)) + rows + bytes(4) + content


def place(count: int) -> int:
    """Where the content of a directory of `count` numbers begins."""
    return 8 + 2 + 12 * count + 4


def overlapping(count: int, size: int, order: str = "<") -> bytes:
    """A directory whose values all lie over the same bytes."""
    numbers = [(1000 + index, 7, size, place(count)) for index in range(count)]
    return directory(*numbers, order=order, content=bytes(size))


def cut_off(block: bytes, count: int, size: int) -> bytes:
    """The same with its directory at the end, which says that it has one entry more."""
    rows = block[10 : 10 + 12 * count]
    moved = b"".join(row[:8] + struct.pack("<I", 8) for row in _parts(rows, 12))
    return b"II*\x00" + struct.pack("<I", 8 + size) + bytes(size) + struct.pack("<H", count + 1) + moved


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def tiled(width: Number, length: Number) -> bytes:
    """A TIFF of one pixel and of tiles that are larger."""
    content = zlib.compress(bytes(256))
    numbers = [
        (256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1),
        width, length, (324, 4, 1, place(10)), (325, 4, 1, len(content)),
    ]  # fmt: skip
    return directory(*numbers, content=content)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 8 x 8 pixels with these chunks before its pixels."""
    header = (b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    pixels = (b"IDAT", zlib.compress((b"\0" + b"\xff" * 8) * 8))
    parts = [header, *chunks, pixels, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def profile(block: bytes) -> bytes:
    """An EXIF block as text of a PNG, as ImageMagick writes it."""
    text = b"\nexif\n%d\n%s" % (len(block), block.hex().encode())
    return b"Raw profile type exif\0\0" + zlib.compress(text)


def gif(prelude: bytes) -> bytes:
    """A GIF of one pixel with this before its frame."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + prelude + frame


COMMENT = b"!\xfe" + b"\x01a" * (MAX_GIF_BLOCKS + 1) + b"\0"
LONG_COMMENT = b"!\xfe" + (b"\xff" + b"a" * 255) * 40_000 + b"\0"
EXIF = b"Exif\0\0"
BLOCK = overlapping(300, 20_000)

REFUSED: dict[str, Callable[[], bytes]] = {
    "JPEG of many scans": lambda: of_scans(MAX_SCANS + 1),
    "JPEG of many scans after a comment that holds an end": lambda: of_scans(MAX_SCANS + 1).replace(
        b"\xff\xda", segment(0xFE, b"\xff\xd9\xff\xd9") + b"\xff\xda", 1
    ),
    "JPEG of many segments": lambda: with_segments(*[segment(0xFE, b"")] * MAX_SEGMENTS),
    "JPEG of EXIF in many parts": lambda: with_segments(*[segment(0xE1, EXIF + bytes(90))] * MAX_SEGMENTS),
    "JPEG of many parts after an early end": lambda: with_segments(
        b"\xff\xd9", *[segment(0xE1, EXIF + bytes(90))] * MAX_SEGMENTS
    ),
    "TIFF of overlapping values": lambda: overlapping(300, 20_000),
    "TIFF of overlapping values, big-endian": lambda: overlapping(300, 20_000, ">"),
    "TIFF of overlapping strips": lambda: directory(*[(273, 4, 5000, 8)] * 300, content=bytes(20_000)),
    "TIFF of overlapping values, cut off": lambda: cut_off(BLOCK, 300, 20_000),
    "TIFF of many values": lambda: overlapping(MAX_DIRECTORY_ENTRIES + 1, 1),
    "big-endian BigTIFF of nothing": lambda: b"MM\x00\x2b\x00\x08\x00\x00" + bytes(64),
    "GIF of many blocks": lambda: gif(COMMENT),
    "GIF of many blocks after what means nothing": lambda: gif(b"x" + COMMENT),
    "PNG of many chunks": lambda: png(*[(b"tEXt", b"")] * MAX_CHUNKS),
    "WebP of many chunks": lambda: b"RIFF\0\0\0\0WEBP" + (b"junk" + bytes(4)) * (MAX_CHUNKS + 1),
}

TILES = {
    "short": ((322, 3, 1, 65_535), (323, 3, 1, 65_535)),
    "long": ((322, 4, 1, 32_768), (323, 4, 1, 32_768)),
    "one long side": ((322, 4, 1, MAX_PIXELS + 1), (323, 4, 1, 1)),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=list(REFUSED))
def test_a_file_of_hostile_structure_is_refused_at_a_look(make: Callable[[], bytes]) -> None:
    data = make()
    start = time.process_time()
    with pytest.raises(NotAnImage):
        decode_image(data)
    assert time.process_time() - start < PROMPT_S


@pytest.mark.parametrize(("width", "length"), TILES.values(), ids=list(TILES))
def test_tiles_have_the_limit_of_pictures(width: Number, length: Number) -> None:
    with pytest.raises(TooManyPixels):
        decode_image(tiled(width, length))


def test_the_first_of_two_tiles_counts_as_it_does_for_the_decoder() -> None:
    with pytest.raises(TooManyPixels):
        decode_image(directory((322, 4, 1, 60_000), (322, 4, 1, 16), (323, 4, 1, 60_000), (323, 4, 1, 16)))


@pytest.mark.parametrize("heading", [b"", EXIF, EXIF * 2], ids=["plain", "headed", "headed twice"])
@pytest.mark.parametrize("form", [lambda block: (b"eXIf", block), lambda block: (b"zTXt", profile(block))])
def test_overlapping_exif_of_a_png_counts_as_none(
    heading: bytes, form: Callable[[bytes], tuple[bytes, bytes]]
) -> None:
    start = time.process_time()
    assert decode_image(png(form(heading + overlapping(1000, 20_000)))).shape == (8, 8, 3)
    assert time.process_time() - start < PROMPT_S


@pytest.mark.parametrize(
    "form", [lambda block: (b"eXIf", block), lambda block: (b"zTXt", profile(EXIF + block))]
)
def test_exif_of_a_png_is_applied(form: Callable[[bytes], tuple[bytes, bytes]]) -> None:
    block = directory((0x0112, 3, 1, 6))
    data = png(form(block))
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[0x0112] == 6


def test_the_bounds_are_inclusive() -> None:
    assert decode_image(of_scans(MAX_SCANS)).shape == (480, 640, 3)
    side = int(MAX_PIXELS**0.5)
    with pytest.raises(NotAnImage):  # not TooManyPixels
        decode_image(directory((322, 4, 1, side), (323, 4, 1, side)))


UNUSUAL: dict[str, Callable[[], bytes]] = {
    "progressive": lambda: jpeg(progressive=True),
    "a scan's marker in segments and after the end": lambda: (
        with_segments(*[segment(0xFE, b"\xff\xda" * 30_000)] * 5) + b"\xff\xda" * 200_000
    ),
    "a colour profile in 255 parts": lambda: with_segments(*[segment(0xE2, bytes(65_000))] * 255),
    "a thumbnail in EXIF": lambda: with_segments(segment(0xE1, EXIF + directory(content=jpeg()))),
    "EXIF whose lengths are wrong": lambda: jpeg(
        exif=EXIF + directory(*[(1000 + tag, 7, 2**31, 8) for tag in range(12)], content=bytes(50_000))
    ),
    "a restart at every block": lambda: encode(scene(), "JPEG", restart_marker_blocks=1),
    "several pictures": lambda: encode(scene(), "MPO", save_all=True, append_images=[scene()] * 3),
    "pages": lambda: encode(scene(), "TIFF", save_all=True, append_images=[scene()] * 50),
    "packed pages": lambda: encode(
        scene(), "TIFF", save_all=True, append_images=[scene()] * 3, compression="tiff_lzw"
    ),
    "BigTIFF": lambda: encode(scene(), "TIFF", big_tiff=True),
    "JPEG in TIFF": lambda: encode(scene(), "TIFF", compression="jpeg"),
    "an animated GIF": lambda: encode(
        scene(), "GIF", save_all=True, append_images=[scene().rotate(9 * turn) for turn in range(30)]
    ),
    "an animated WebP": lambda: encode(
        scene(), "WEBP", save_all=True, append_images=[scene().rotate(9 * turn) for turn in range(30)]
    ),
    "an animated PNG": lambda: encode(
        scene(), "PNG", save_all=True, append_images=[scene().rotate(9 * turn) for turn in range(30)]
    ),
    "a GIF with words in it": lambda: encode(scene(), "GIF", comment=b"words " * 10_000),
    "a GIF with ten megabytes of words": lambda: encode(scene(), "GIF").replace(
        b",\0\0\0\0", LONG_COMMENT + b",\0\0\0\0", 1
    ),
    "a GIF with a megabyte of nothing": lambda: encode(scene(), "GIF").replace(
        b",\0\0\0\0", b"x" * 2**20 + b",\0\0\0\0", 1
    ),
    "40 MB of XMP": lambda: with_segments(*[segment(0xE1, bytes(65_000))] * 640),
    "EXIF in hundreds of parts": lambda: with_segments(*[segment(0xE1, EXIF + bytes(90))] * 900),
    "overlapping EXIF": lambda: with_segments(segment(0xE1, EXIF + overlapping(2000, 20_000))),
    "overlapping EXIF in parts": lambda: with_segments(
        *(segment(0xE1, EXIF + part) for part in _parts(overlapping(100, 200_000), 60_000))
    ),
    "overlapping EXIF under two headings": lambda: with_segments(
        segment(0xE1, EXIF * 2 + overlapping(2000, 20_000))
    ),
}


@pytest.mark.parametrize("make", UNUSUAL.values(), ids=list(UNUSUAL))
def test_what_is_only_unusual_is_decoded(make: Callable[[], bytes]) -> None:
    assert decode_image(make()).shape == (48, 64, 3)


@given(st.dictionaries(st.integers(0xF000, 0xF400), st.binary(min_size=1, max_size=300), max_size=60))
def test_exif_as_pillow_writes_it_passes(values: dict[int, bytes]) -> None:
    exif = Image.Exif()
    for tag, value in values.items():
        exif[tag] = value
    exif[0x0112] = 6
    assert decode_image(encode(scene(), "JPEG", exif=exif)).shape == (64, 48, 3)
    assert decode_image(encode(scene(), "WEBP", exif=exif)).shape == (64, 48, 3)


@pytest.mark.parametrize(
    "make", [*REFUSED.values(), *UNUSUAL.values()], ids=[*REFUSED, *(f"{name}, unusual" for name in UNUSUAL)]
)
def test_whatever_is_changed_in_them_it_takes_no_time_and_nothing_else_is_raised(
    make: Callable[[], bytes],
) -> None:
    data, chance = make(), random.Random(4)
    start = time.process_time()
    for _ in range(20):
        try:
            decode_image(mutate(data, chance), max_pixels=1_000_000)
        except PictureError:
            continue
    assert time.process_time() - start < 20 * PROMPT_S


@given(
    st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*", b"II\x2b\0", b"\xff\xd8\xff", b"GIF89a"])
)
def test_any_bytes_pass_or_are_a_picture_error(rest: bytes, head: bytes) -> None:
    try:
        decode_image(head + rest, max_pixels=1_000_000)
    except PictureError:
        return
