"""PNG, WebP and GIF: files of chunks, of which few hold pixels."""

import re
import struct
import zlib
from collections.abc import Iterator

from modelhub_pictures.errors import NotAnImage
from modelhub_pictures.essence import Essence, cut_short
from modelhub_pictures.limits import MAX_CHUNKS, MAX_EXIF_TEXT, MAX_GIF_BLOCKS
from modelhub_pictures.tiff import orientation

# PNG

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3
_EXIF_TEXT = b"Raw profile type exif\x00"
"""Where ImageMagick puts EXIF: lines of text, of which those from the fourth on are hexadecimal."""
_PNG_KIND = re.compile(rb"[A-Za-z]{4}")


def png(data: bytes, max_pixels: int) -> Essence:
    """Return a PNG's header, palette and pixels, whatever is wrong with its other chunks and its end."""
    del max_pixels
    first: dict[bytes, memoryview] = {}
    pixels: list[bytes | memoryview] = []
    turn = 1
    for kind, content, chunk in _png_chunks(data):
        if kind == b"IDAT":
            whole = len(chunk) == len(content) + 12
            pixels.append(chunk if whole else _png_chunk(kind, bytes(content)))
        elif kind in (b"IHDR", b"PLTE", b"tRNS", b"CgBI"):
            first.setdefault(kind, content)
        elif turn == 1:
            turn = _png_orientation(kind, content)
    if b"CgBI" in first:
        raise NotAnImage(
            "it is a PNG changed by Apple's build tools (CgBI), which is not read; send the original"
        )
    if b"IHDR" not in first or not pixels:
        raise cut_short("PNG", len(data))
    head = [_png_chunk(kind, bytes(first[kind])) for kind in (b"IHDR", b"PLTE") if kind in first]
    header, transparent = bytes(first.get(b"IHDR", b"")), bytes(first.get(b"tRNS", b""))
    depth, colours = (header[8], header[9]) if len(header) == 13 else (8, _RGB)
    if colours == _PALETTE and transparent:
        head.append(_png_chunk(b"tRNS", transparent[:256]))
    return Essence(
        b"".join((_SIGNATURE, *head, *pixels, _png_chunk(b"IEND", b""))),
        turn,
        key=_png_key(depth, colours, transparent),
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Yield the kind, the content and the whole of each chunk as far as it is there. Raises NotAnImage."""
    view, at = memoryview(data), len(_SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if len(data) - at < 8:
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if not _PNG_KIND.fullmatch(kind):  # after a chunk whose length is wrong
            at = data.find(b"IDAT", at) - 4
            if at < 0:
                return
            continue
        yield kind, view[at + 8 : at + 8 + length], view[at : at + 12 + length]
        if kind == b"IEND":
            return
        at += 12 + length
    raise NotAnImage(f"it has more than {MAX_CHUNKS} chunks")


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png_key(depth: int, colours: int, transparent: bytes) -> tuple[int, ...]:
    """Return the transparent colour of a picture without alpha, in the numbers that Pillow reads."""
    channels = {_GREY: 1, _RGB: 3}.get(colours, 0)
    if not channels or len(transparent) < 2 * channels:
        return ()
    found = struct.unpack_from(f">{channels}H", transparent)
    if depth == 16:
        return found if colours == _GREY else tuple(value >> 8 for value in found)
    return tuple(value * 255 // (2**depth - 1) for value in found)


def _png_orientation(kind: bytes, content: memoryview) -> int:
    if kind == b"eXIf":
        return orientation(bytes(content))
    if kind in (b"tEXt", b"zTXt") and bytes(content[: len(_EXIF_TEXT)]) == _EXIF_TEXT:
        rest = bytes(content[len(_EXIF_TEXT) :][:MAX_EXIF_TEXT])
        try:
            text = rest if kind == b"tEXt" else zlib.decompressobj().decompress(rest[1:], MAX_EXIF_TEXT)
            return orientation(bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii")))
        except (zlib.error, ValueError):
            return 1
    return 1


# WebP

_ANIMATION, _ALPHA = 0x02, 0x10
_WEBP_PIXELS = frozenset({b"ALPH", b"VP8 ", b"VP8L", b"ANMF"})


def webp(data: bytes, max_pixels: int) -> Essence:
    """Return a WebP's pixels, of an animation the first frame. Raises NotAnImage where they are cut short."""
    del max_pixels
    kept: list[bytes] = []
    turn, at, frames = 1, 12, 0
    for _ in range(MAX_CHUNKS):
        if len(data) - at < 8:
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        content = data[at + 8 : at + 8 + length]
        if kind == b"EXIF":
            turn = orientation(content)
        elif kind == b"VP8X" and len(content) >= 10 and not kept:
            kept.append(_riff_chunk(kind, bytes([content[0] & (_ANIMATION | _ALPHA)]) + content[1:]))
        elif kind == b"ANIM" or (kind in _WEBP_PIXELS and not frames):
            if len(content) < length:
                raise cut_short("WEBP", len(data))
            frames += kind not in {b"ALPH", b"ANIM"}
            kept.append(_riff_chunk(kind, content))
        at += 8 + length + length % 2
    if not frames:
        raise cut_short("WEBP", len(data))
    return Essence(_riff_chunk(b"RIFF", b"WEBP" + b"".join(kept)), turn)


def _riff_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


# GIF

_GIF_BLOCK = re.compile(rb"[!,;]")
"""What begins an extension, a frame and the end."""
_GRAPHIC_CONTROL = b"!\xf9"


def gif(data: bytes, max_pixels: int) -> Essence:
    """Return a GIF without what precedes its first frame, of which Pillow's time would grow with the square.

    Bytes that mean nothing are passed over, as Pillow does.
    """
    del max_pixels
    flags = data[10] if len(data) > 10 else 0
    head = at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    control, blocks = b"", 0
    while (block := _GIF_BLOCK.search(data, at)) and block[0] == b"!":
        start, at = block.start(), block.end() + 1
        while at < len(data) and data[at]:
            at, blocks = at + data[at] + 1, blocks + 1
            if blocks > MAX_GIF_BLOCKS:
                raise NotAnImage(f"more than {MAX_GIF_BLOCKS} blocks precede its first frame")
        at, blocks = at + 1, blocks + 1
        if data.startswith(_GRAPHIC_CONTROL, start):
            control = data[start:at]
    if not block or block[0] == b";":
        raise cut_short("GIF", len(data), "before its first frame")
    return Essence(b"".join((data[:head], control[-8:], memoryview(data)[block.start() :])))
