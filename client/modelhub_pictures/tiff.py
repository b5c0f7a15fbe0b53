"""TIFF, and EXIF, which is a TIFF directory.

All values of a directory may lie over the same bytes of the file, and Pillow before 13 reads each of them. So
it is given a directory of our own with those alone that make pixels. A tile may be larger than its picture.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from modelhub_pictures.errors import NotAnImage, TooManyPixels
from modelhub_pictures.essence import Essence
from modelhub_pictures.limits import MAX_DIRECTORY_ENTRIES, MAX_OVERLAP

_BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 258, 259, 262, 274, 277
_PLANAR, _COLOURS, _TILE_WIDTH, _TILE_LENGTH, _EXTRA, _SAMPLE_FORMAT = 284, 320, 322, 323, 338, 339
_SUBSAMPLING = 530
_OF_PIXELS = frozenset(
    {256, 257, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, 273, _SAMPLES, 278, 279, _PLANAR, 292, 293, 317}
    | {_COLOURS, _TILE_WIDTH, _TILE_LENGTH, 324, 325, 332, 334, _EXTRA, _SAMPLE_FORMAT, 347}
    | {*range(512, 522), 529, _SUBSAMPLING, 531, 532}
)
"""Tags without which pixels cannot be read."""

_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_VALUE_BYTES |= {16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # by their kinds, as above
_SHORT, _LONG, _LONG8 = 3, 4, 16
_EXIF = b"Exif\x00\x00"

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_READ = frozenset({_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, 3, 5, _YCBCR})
_UNREAD = {
    4: "transparency masks", 8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "colour filter arrays (raw)",
    32844: "LogL", 32845: "LogLuv", 34892: "linear raw",
}  # fmt: skip
_DEPTHS = frozenset({1, 2, 4, 8, 16})
_NUMBERS = {2: "signed integers", 3: "floating-point numbers", 5: "complex numbers", 6: "complex numbers"}
_UNDEFINED = 4


class _Entry(NamedTuple):
    """One value of a directory: numbers of a `kind`, `size` bytes at `offset` in the file."""

    tag: int
    kind: int
    size: int
    offset: int

    def covered(self, data: bytes) -> int:
        """Return how many bytes of the file it lies over."""
        return max(0, min(self.size, len(data) - self.offset))


class _Value(NamedTuple):
    """What an entry says: numbers of a `kind` in the file's order of bytes."""

    kind: int
    content: bytes


def orientation(block: bytes) -> int:
    """Return what an EXIF block says of orientation, 1 to 8; 1 where it says nothing that can be read.

    The block may have its heading, even more than once.
    """
    while block.startswith(_EXIF):
        block = block.removeprefix(_EXIF)
    try:
        return _orientation(_values(block, frozenset({_ORIENTATION})), _order(block))
    except NotAnImage:  # a damaged block must not cost the caller the picture
        return 1


def essential(data: bytes, max_pixels: int) -> Essence:
    """Return the first picture of a TIFF file, classic or BigTIFF, as a classic one.

    Raises NotAnImage for pixels that are not read, by their name, and TooManyPixels for tiles.
    """
    order = _order(data)
    values = _values(data, _OF_PIXELS | {_ORIENTATION})
    numbers = {tag: _numbers(value, order) for tag, value in values.items() if value.kind in _WHOLE_NUMBERS}
    turn = _orientation(values, order)
    values.pop(_ORIENTATION, None)
    _check_tiles(numbers, max_pixels)
    _check_samples(numbers, order)
    white_is_zero = numbers.get(_PHOTOMETRIC) == (_WHITE_IS_ZERO,)
    if white_is_zero:  # Pillow does not invert all depths: none is left to it
        values[_PHOTOMETRIC] = _Value(_SHORT, struct.pack(f"{order}H", _BLACK_IS_ZERO))
    ycbcr = numbers.get(_PHOTOMETRIC) == (_YCBCR,) and numbers.get(_COMPRESSION, (1,)) == (1,)
    if ycbcr:  # which Pillow before 13 takes for four channels
        if numbers.get(_SUBSAMPLING) != (1, 1):
            raise _unread("uncompressed YCbCr colours of less resolution")
        values[_PHOTOMETRIC] = _Value(_SHORT, struct.pack(f"{order}H", _RGB))
    colours = numbers.get(_COLOURS, ())
    if colours and max(colours) <= 0xFF:  # old writers: 8 bits where there should be 16
        wide = [colour * 257 for colour in colours]
        values[_COLOURS] = _Value(_SHORT, struct.pack(f"{order}{len(wide)}H", *wide))
    return Essence(_file(data, order, values), turn, numbers.get(_BITS, (1,))[0], white_is_zero, ycbcr)


def _orientation(values: Mapping[int, _Value], order: str) -> int:
    value = values.get(_ORIENTATION)
    found = _numbers(value, order) if value and value.kind in _WHOLE_NUMBERS else ()
    return found[0] if found and found[0] in range(1, 9) else 1


def _check_tiles(numbers: Mapping[int, Sequence[int]], max_pixels: int) -> None:
    if max(numbers.get(_TILE_WIDTH, (0,))) * max(numbers.get(_TILE_LENGTH, (0,))) > max_pixels:
        raise TooManyPixels(f"a tile of the image has more than {max_pixels} pixels, which is the limit")


def _check_samples(numbers: Mapping[int, Sequence[int]], order: str) -> None:
    """Raise NotAnImage for kinds of pixels that Pillow would misread or cannot read, by their names."""
    for one in numbers.get(_SAMPLE_FORMAT, ()):
        if one not in (1, _UNDEFINED):
            raise _unread(f"{_NUMBERS.get(one, f'sample format {one}')} have no defined white, and")
    photometric = numbers.get(_PHOTOMETRIC, (_BLACK_IS_ZERO,))[0]
    if photometric not in _READ:
        raise _unread(f"colours as {_UNREAD.get(photometric, f'photometric interpretation {photometric}')}")
    bits, grey = numbers.get(_BITS, (1,)), photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    twelve = grey and order == "<" and bits == (12,)
    if len(set(bits)) > 1 or (bits[0] not in _DEPTHS and not twelve):
        raise _unread(f"{', '.join(map(str, sorted(set(bits))))} bits a channel")
    if bits[0] > 8 and len(bits) > 1 and (grey or numbers.get(_PLANAR) == (2,)):
        raise _unread(f"{bits[0]} bits a channel in {'grey with alpha' if grey else 'planes of their own'}")


def _unread(what: str) -> NotAnImage:
    return NotAnImage(f"{what} are not supported in TIFF; send 8 or 16 bits a channel, grey, RGB or CMYK")


# Reading a directory


def _order(data: bytes) -> str:
    return "<" if data.startswith(b"II") else ">"


def _values(data: bytes, tags: frozenset[int]) -> dict[int, _Value]:
    """Return the values of `tags` in the first directory, of each the first. Raises NotAnImage."""
    entries = [entry for entry in _entries(data) if entry.tag in tags and entry.size]
    if sum(entry.covered(data) for entry in entries) > MAX_OVERLAP * len(data):
        raise NotAnImage("the values of its directory lie over each other")
    values: dict[int, _Value] = {}
    for entry in entries:
        content = data[entry.offset : entry.offset + entry.size]
        if len(content) == entry.size:
            values.setdefault(entry.tag, _Value(entry.kind, content))
    return values


def _entries(data: bytes) -> list[_Entry]:
    """Return the entries of the first directory as far as they are there. Raises NotAnImage."""
    order = _order(data)
    big = b"\x2b" in data[2:4]
    word = "Q" if big else "I"
    try:
        (at,) = struct.unpack_from(order + word, data, 8 if big else 4)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    except (struct.error, OverflowError):
        return []
    if count > MAX_DIRECTORY_ENTRIES:
        raise NotAnImage(f"its directory has more than {MAX_DIRECTORY_ENTRIES} entries")
    layout = struct.Struct(f"{order}HH{word}{word}")
    first = at + (8 if big else 2)
    whole = max(0, min(count, (len(data) - first) // layout.size))
    return [_entry(layout, data, first + number * layout.size) for number in range(whole)]


def _entry(layout: struct.Struct, data: bytes, at: int) -> _Entry:
    tag, kind, count, offset = layout.unpack_from(data, at)
    size, room = _VALUE_BYTES.get(kind, 0) * count, (layout.size - 4) // 2
    return _Entry(tag, kind, size, offset if size > room else at + 4 + room)


def _numbers(value: _Value, order: str) -> tuple[int, ...]:
    letter = _WHOLE_NUMBERS[value.kind]
    return struct.unpack(f"{order}{len(value.content) // struct.calcsize(letter)}{letter}", value.content)


# Writing one


def _file(data: bytes, order: str, values: Mapping[int, _Value]) -> bytes:
    """Return `data` with a directory of `values` alone, at its end, and the heading of a classic TIFF."""
    start = len(data) + len(data) % 2
    rows, contents = b"", b""
    after = start + 2 + 12 * len(values) + 4
    for tag, value in sorted(values.items()):
        kind, content = _classic(value, order)
        count = len(content) // _VALUE_BYTES[kind]
        place = content.ljust(4, b"\0")
        if len(content) > 4:
            place = struct.pack(f"{order}I", after + len(contents))
            contents += content + bytes(len(content) % 2)
        rows += struct.pack(f"{order}HHI", tag, kind, count) + place
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    directory = struct.pack(f"{order}H", len(values)) + rows + bytes(4)
    return b"".join((head, memoryview(data)[8:], bytes(len(data) % 2), directory, contents))


def _classic(value: _Value, order: str) -> tuple[int, bytes]:
    """Return a value's kind and content as a classic TIFF has it, where no number has more than 32 bits."""
    if value.kind != _LONG8:
        return value.kind, value.content
    numbers = _numbers(value, order)
    if max(numbers) > 0xFFFFFFFF:
        raise NotAnImage("its directory points beyond its end")
    return _LONG, struct.pack(f"{order}{len(numbers)}I", *numbers)
