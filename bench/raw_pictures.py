"""Picture files that Pillow does not write, made byte by byte."""

import struct
import zlib
from collections.abc import Mapping, Sequence

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Values = Mapping[int, tuple[int, Sequence[int]]]
"""By tag, the kind (3: 16 bits, 4: 32 bits) and the numbers."""


def png_chunk(kind: bytes, content: bytes, wrong_sum: bool = False) -> bytes:
    """A chunk of a PNG."""
    checksum = zlib.crc32(kind + content) ^ wrong_sum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def with_chunk(png: bytes, chunk: bytes, before: bytes = b"IDAT") -> bytes:
    """A PNG with one more chunk."""
    at = png.index(before) - 4
    return png[:at] + chunk + png[at:]


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def tiff(  # noqa: PLR0913, PLR0917 - of a TIFF's many values those that matter
    size: tuple[int, int], bits: Sequence[int], photometric: int, pixels: bytes,
    more: Values | None = None, order: str = "<", big: bool = False,
) -> bytes:  # fmt: skip
    """An uncompressed TIFF of (width, height) in one strip; `bits` of each channel; `order` is < or >."""
    start = 16 if big else 8
    values = {
        256: (4, [size[0]]), 257: (4, [size[1]]), 258: (3, bits), 259: (3, [1]), 262: (3, [photometric]),
        273: (16 if big else 4, [start]), 277: (3, [len(bits)]), 278: (4, [size[1]]), 279: (4, [len(pixels)]),
        **(more or {}),
    }  # fmt: skip
    word, count, length = ("Q", "Q", 20) if big else ("I", "H", 12)
    room = struct.calcsize(word)
    directory = start + len(pixels)
    after = directory + struct.calcsize(count) + length * len(values) + room
    rows = contents = b""
    for tag, (kind, numbers) in sorted(values.items()):
        content = struct.pack(f"{order}{len(numbers)}{ {1: 'B', 3: 'H', 4: 'I', 16: 'Q'}[kind] }", *numbers)
        place = content.ljust(room, b"\0")
        if len(content) > room:
            place = struct.pack(order + word, after + len(contents))
            contents += content
        rows += struct.pack(f"{order}HH{word}", tag, kind, len(numbers)) + place
    version = struct.pack(f"{order}HHH", 43, 8, 0) if big else struct.pack(f"{order}H", 42)
    head = (b"II" if order == "<" else b"MM") + version + struct.pack(order + word, directory)
    return head + pixels + struct.pack(order + count, len(values)) + rows + bytes(room) + contents


def bmp(size: tuple[int, int], pixels: bytes, masks: tuple[int, int, int, int]) -> bytes:
    """A BMP of 32 bits a pixel with a header of version 5; `masks` are of red, green, blue and alpha."""
    header = struct.pack("<IiiHHIIiiII4I", 124, *size, 1, 32, 3, len(pixels), 2835, 2835, 0, 0, *masks)
    header += b"BGRs" + bytes(64)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels
