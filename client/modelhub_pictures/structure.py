"""What a picture file's structure may cost beside its pixels: looked at before Pillow reads the file.

Pixels are bounded by what a header says of them. These are not:

- JPEG: each scan goes over all pixels again, and a hundred bytes can make a scan. libtiff bounds the scans
  of JPEG in TIFF at the same number. Pillow joins the parts of an EXIF block in a time that grows with the
  square of their number.
- TIFF, and EXIF, which is a TIFF directory: all of its values may lie over the same bytes of the file, and
  Pillow before 13 reads each of them. A tile may be larger than the picture that it is part of.
- GIF: what precedes the first frame may be without end, and is joined as JPEG's EXIF is.

Bounds are far above what cameras and editors write.
"""

import re
import struct
import sys
from collections.abc import Sequence
from typing import NamedTuple

from modelhub_pictures.errors import NotAnImage, TooManyPixels
from modelhub_pictures.formats import HEAD_BYTES, format_of

MAX_SCANS = 100
"""Scans of a JPEG. A progressive one has about ten."""

MAX_SEGMENTS = 1000
"""Segments of a JPEG up to its end. A long colour profile or XMP packet takes some hundreds."""

MAX_DIRECTORY_ENTRIES = 4096
"""Values in a TIFF or EXIF directory. A file has some dozens."""

MAX_OVERLAP = 2
"""How often the values of a directory may cover the file."""

DAMAGE_BYTES = 1024 * 1024
"""Covered beyond that, by the wrong lengths of a damaged directory."""

MAX_GIF_PRELUDE_BYTES = 1024 * 1024
"""Comments and extensions before the first frame of a GIF."""

_SCAN, _END = 0xDA, 0xD9
_EXIF_SEGMENT, _EXIF = 0xE1, b"Exif\x00\x00"
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
"""A marker that a segment follows, or the end: not a stuffed byte, and none that stands by itself."""

_VALUE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # by their kinds, as above
_GIF_BLOCK = re.compile(rb"[!,;]")
"""What begins an extension, a frame and the end."""
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def check_structure(data: bytes, max_pixels: int) -> None:
    """Raise NotAnImage or TooManyPixels if the picture file `data` would cost more than its pixels."""
    kind = format_of(data[:HEAD_BYTES])
    if kind == "JPEG":
        _check_jpeg(data)
    elif kind == "TIFF":
        check_directory(data, max_pixels)
    elif kind == "GIF":
        _check_gif(data)


def check_directory(data: bytes, max_pixels: int) -> None:
    """Raise NotAnImage if values of the first directory overlap, TooManyPixels if its tiles are too large.

    `data` is a TIFF file or the TIFF structure in an EXIF block. What is cut off passes as far as it goes:
    its reader says so, or does without it.
    """
    entries = _entries(data)
    if sum(entry.covered(data) for entry in entries) > MAX_OVERLAP * len(data) + DAMAGE_BYTES:
        raise NotAnImage("the values of its directory lie over each other")
    if _largest(data, entries, _TILE_WIDTH) * _largest(data, entries, _TILE_LENGTH) > max_pixels:
        raise TooManyPixels(f"a tile of the image has more than {max_pixels} pixels, which is the limit")


class _Entry(NamedTuple):
    """One value of a directory: numbers of a `kind`, `size` bytes at `offset` in the file."""

    tag: int
    kind: int
    size: int
    offset: int

    def covered(self, data: bytes) -> int:
        """Return how many bytes of the file it lies over."""
        return max(0, min(self.size, len(data) - self.offset))


def _entries(data: bytes) -> list[_Entry]:
    """Return the entries of the first directory as far as they are there. Raises NotAnImage."""
    if data.startswith(b"MM\x00\x2b"):
        raise NotAnImage("it is a big-endian BigTIFF, which Pillow takes for a TIFF")
    big = data[2:3] == b"\x2b"
    order, word = _order(data), "Q" if big else "I"
    try:
        (at,) = struct.unpack_from(order + word, data, 8 if big else 4)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    except (struct.error, OverflowError):
        return []
    if count > MAX_DIRECTORY_ENTRIES:
        raise NotAnImage(f"its directory has more than {MAX_DIRECTORY_ENTRIES} entries")
    layout = struct.Struct(f"{order}HH{word}{word}")
    first = at + (8 if big else 2)
    whole = min(count, (len(data) - first) // layout.size)
    return [_entry(layout, data, first + number * layout.size) for number in range(whole)]


def _entry(layout: struct.Struct, data: bytes, at: int) -> _Entry:
    tag, kind, count, offset = layout.unpack_from(data, at)
    size, room = _VALUE_BYTES.get(kind, 0) * count, (layout.size - 4) // 2
    return _Entry(tag, kind, size, offset if size > room else at + 4 + room)


def _order(data: bytes) -> str:
    return "<" if data.startswith(b"II") else ">"


def _largest(data: bytes, entries: Sequence[_Entry], tag: int) -> int:
    """Return the largest number that is given for `tag`, 0 where there is none."""
    found = [
        struct.unpack_from(_order(data) + _WHOLE_NUMBERS[entry.kind], data, entry.offset)[0]
        for entry in entries
        if entry.tag == tag and entry.kind in _WHOLE_NUMBERS and 0 < entry.size == entry.covered(data)
    ]
    return max(found, default=0)


def _check_jpeg(data: bytes) -> None:
    """Walk the segments as decoders do: what one holds is no marker; Pillow reads on after an early end."""
    # Scans are looked for only where there may be too many: it takes a while in megabytes of them.
    suspicious = data.count(bytes((0xFF, _SCAN))) > MAX_SCANS
    segments = scans = 0
    exif = bytearray()
    at = 2
    while (marker := _MARKER.search(data, at)) and not (scans and marker[1][0] == _END):
        start = marker.end()
        length = max(2, int.from_bytes(data[start : start + 2], "big"))
        at = start + (0 if marker[1][0] == _END else length)
        segments += 1
        scans += marker[1][0] == _SCAN
        if scans > MAX_SCANS:
            raise NotAnImage(f"it has more than {MAX_SCANS} scans")
        if segments > MAX_SEGMENTS:
            raise NotAnImage(f"it has more than {MAX_SEGMENTS} segments")
        if marker[1][0] == _EXIF_SEGMENT and data.startswith(_EXIF, start + 2):
            exif += data[start + 2 + len(_EXIF) : at]
        if scans and not suspicious:
            break
    check_exif(bytes(exif))


def check_exif(block: bytes) -> None:
    """Raise NotAnImage if the values in an EXIF block lie over each other.

    It may have its heading, even more than once, as Pillow has it.
    """
    while block.startswith(_EXIF):
        block = block.removeprefix(_EXIF)
    check_directory(block, max_pixels=sys.maxsize)


def _check_gif(data: bytes) -> None:
    """Walk what precedes the first frame; bytes that mean nothing are passed over, as Pillow does."""
    flags = data[10] if len(data) > 10 else 0
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    end = at + MAX_GIF_PRELUDE_BYTES
    while at <= end:
        block = _GIF_BLOCK.search(data, at)
        if block is None or block[0] != b"!":
            at = block.start() if block else len(data)
            break
        at = block.end() + 1
        while at <= end and at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    if at > end:
        raise NotAnImage(f"more than {MAX_GIF_PRELUDE_BYTES} bytes precede its first frame")
