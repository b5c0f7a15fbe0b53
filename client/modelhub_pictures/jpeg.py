"""JPEG: segments, then scans, each of which goes over all pixels again; a hundred bytes can make a scan."""

import re
from collections.abc import Iterator

from modelhub_pictures.errors import NotAnImage
from modelhub_pictures.essence import Essence
from modelhub_pictures.limits import MAX_SCANS, MAX_SEGMENTS
from modelhub_pictures.tiff import orientation

END = b"\xff\xd9"
NOISE = bytes(0x55 + index * 73 % 167 for index in range(2048))
"""What could be pixels: without markers, and unlike the zeros that decoders put for what is lacking."""

UNWRITTEN = bytes(16)
"""How a file ends for which more space was taken than was written."""

_START, _SCAN = b"\xff\xd8", 0xDA
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_METADATA = frozenset({*range(0xE0, 0xF0), 0xFE})
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""What says that colours are YCbCr, without a thumbnail."""
_EXIF = b"Exif\x00\x00"
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
"""A marker that a segment follows, or the end: not a stuffed byte, and none that stands by itself."""


def essential(data: bytes, max_pixels: int) -> Essence:
    """Return a JPEG without metadata. Raises NotAnImage for too many scans and segments."""
    del max_pixels
    kept, turn, exif_seen = [_START], 1, False
    for count, (marker, start, end) in enumerate(_segments(data)):
        if count > MAX_SEGMENTS:
            raise NotAnImage(f"it has more than {MAX_SEGMENTS} segments before its pixels")
        if marker == _SCAN:
            _check_scans(data, start)
            return Essence(b"".join((*kept, memoryview(data)[start:])), turn)
        name = data[start + 4 : start + 10]
        if marker == 0xE1 and not exif_seen and name == _EXIF:
            exif_seen, turn = True, orientation(data[start + 4 : end])
        if marker == 0xE0 and name.startswith(b"JFIF"):
            kept.append(_JFIF)
        elif marker not in _METADATA or (marker == 0xEE and name.startswith(b"Adobe")):
            kept.append(data[start:end])
    return Essence(b"".join(kept), turn)


def _segments(data: bytes, at: int = 2) -> Iterator[tuple[int, int, int]]:
    """Yield the marker of each segment, where it starts and where it ends; ends of pictures are passed over.

    As decoders do: what a segment holds is no marker, and what means nothing between two is passed over.
    """
    while found := _MARKER.search(data, at):
        at = found.end()
        if found[1] != END[1:]:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
            yield found[1][0], found.start(), at


def _check_scans(data: bytes, at: int) -> None:
    # Scans are looked for only where there may be too many: it takes a while in megabytes of them.
    if data.count(bytes((0xFF, _SCAN)), at) <= MAX_SCANS:
        return
    scans = 0
    while (found := _MARKER.search(data, at)) and not (scans and found[0] == END):
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        at = found.end() + (0 if found[0] == END else max(2, length))
        scans += found[1][0] == _SCAN
        if scans > MAX_SCANS:
            raise NotAnImage(f"it has more than {MAX_SCANS} scans")


def lacks_scans(data: bytes) -> bool:
    """Return whether coefficients of the picture are in none of its scans, or not to their last bit."""
    components, found = set[int](), set[tuple[int, int]]()
    for marker, start, end in _segments(data):
        content = data[start + 4 : end]
        if marker in _FRAMES and len(content) >= 6:
            components = set(content[6 : 6 + 3 * content[5] : 3])
        if marker == _SCAN and len(content) >= 4:
            count = content[0]
            first, last, bits = content[1 + 2 * count : 4 + 2 * count]
            if not bits & 15:
                names = content[1 : 1 + 2 * count : 2]
                found |= {(name, index) for name in names for index in range(first, last + 1)}
    return any((name, index) not in found for name in components for index in range(64))
