"""Pictures named for their hazard, drawn here; each says what must become of it."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

SIZE = (64, 48)
"""Width and height of the ordinary ones."""


@dataclass(frozen=True)
class Hazard:
    """A picture file; `code` is the contract's error code, or None where it must be answered."""

    name: str
    make: Callable[[], bytes]
    code: int | None = None
    upright: tuple[int, int] = SIZE
    """Width and height of the upright picture."""


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scene(mode: str = "RGB") -> Image.Image:
    """A picture without symmetry: a gradient with a bright square at the top left."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    pixels = np.stack([4 * x, 5 * y, 255 - 2 * x - 2 * y], axis=2).astype(np.uint8)
    pixels[4:16, 4:16] = 255
    return Image.fromarray(pixels).convert(mode)


def exif_rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(scene(), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    grey = np.asarray(scene("L")).astype(np.uint16) * 257
    return encode(Image.fromarray(grey), "PNG")


def transparent_palette() -> bytes:
    image = scene("P")
    image.info["transparency"] = 0
    return encode(image, "PNG", transparency=0)


def translucent() -> bytes:
    image = scene("RGBA")
    image.putalpha(128)
    return encode(image, "PNG")


def animated() -> bytes:
    frames = [scene(), Image.new("RGB", SIZE, "red")]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


def truncated() -> bytes:
    whole = encode(scene(), "PNG")
    return whole[: len(whole) // 2]


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 10,000,000,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def damaged_exif() -> bytes:
    return encode(scene(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")


HAZARDS = (
    Hazard("exif_rotated", exif_rotated, upright=SIZE[::-1]),
    Hazard("damaged_exif", damaged_exif),
    Hazard("grey", lambda: encode(scene("L"), "JPEG")),
    Hazard("bilevel", lambda: encode(scene("1"), "PNG")),
    Hazard("sixteen_bit", sixteen_bit),
    Hazard("transparent_palette", transparent_palette),
    Hazard("translucent", translucent),
    Hazard("cmyk", lambda: encode(scene("CMYK"), "JPEG")),
    Hazard("ycbcr_tiff", lambda: encode(scene("YCbCr"), "TIFF")),
    Hazard("animated", animated),
    Hazard("webp", lambda: encode(scene(), "WEBP")),
    Hazard("bmp", lambda: encode(scene(), "BMP")),
    Hazard("one_pixel", lambda: encode(Image.new("RGB", (1, 1), "navy"), "PNG"), upright=(1, 1)),
    Hazard("empty_black", lambda: encode(Image.new("RGB", SIZE), "PNG")),
    Hazard("very_wide", lambda: encode(Image.new("RGB", (30_000, 20), "white"), "PNG"), upright=(30_000, 20)),
    Hazard("very_high", lambda: encode(Image.new("RGB", (20, 30_000), "white"), "PNG"), upright=(20, 30_000)),
    Hazard("truncated", truncated, code=40004),
    Hazard("not_a_picture", lambda: b"%PDF-1.7 this is something else \x00\x01\x02", code=40004),
    Hazard("float_tiff", lambda: encode(scene("F"), "TIFF"), code=40004),
    Hazard("postscript", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n\x00", code=40004),
    Hazard("empty", lambda: b"", code=40004),
    Hazard("bomb", bomb, code=41302),
)
REFUSED = [hazard for hazard in HAZARDS if hazard.code is not None]
_ANSWERED = [hazard for hazard in HAZARDS if hazard.code is None]


def _name(hazard: Hazard) -> str:
    return hazard.name


every_answered = pytest.mark.parametrize("hazard", _ANSWERED, ids=_name)
every_refused = pytest.mark.parametrize("hazard", REFUSED, ids=_name)
