"""Pictures named for their hazard, each with what must become of it; tests and loads send them."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bench.raw_pictures import PNG_SIGNATURE, bmp, jpeg_segment, png_chunk, tiff, with_chunk
from evaluation.picture_files import encoded

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


def scene(mode: str = "RGB") -> Image.Image:
    """A picture without symmetry: a gradient with a bright square at the top left."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    pixels = np.stack([4 * x, 5 * y, 255 - 2 * x - 2 * y], axis=2).astype(np.uint8)
    pixels[4:16, 4:16] = 255
    return Image.fromarray(pixels).convert(mode)


def exif_rotated() -> bytes:
    """A picture on its side, and the mark that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(scene(), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    """Grey of 16 bits."""
    grey = np.asarray(scene("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


def transparent_palette() -> bytes:
    """A palette of which one colour is transparent."""
    image = scene("P")
    image.info["transparency"] = 0
    return encoded(image, "PNG", transparency=0)


def translucent() -> bytes:
    """Half transparent all over."""
    image = scene("RGBA")
    image.putalpha(128)
    return encoded(image, "PNG")


def animated() -> bytes:
    """Two frames."""
    frames = [scene(), Image.new("RGB", SIZE, "red")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def truncated() -> bytes:
    """The first half of a file."""
    whole = encoded(scene(), "PNG")
    return whole[: len(whole) // 2]


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 10,000,000,000 pixels."""

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(png_chunk(*parts) for parts in chunks)


def damaged_exif() -> bytes:
    """A picture whose EXIF part points nowhere."""
    return encoded(scene(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")


def of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan, of some bytes, is repeated until there are `count`."""
    data = encoded(Image.new("L", (640, 480), 128), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * (count - data.count(b"\xff\xda") + 1) + data[-2:]


def huge_tile() -> bytes:
    """A TIFF of one pixel, in a tile of 32768 x 32768."""
    side = (4, [32_768])
    return tiff((1, 1), [8], 1, bytes(256), {322: side, 323: side, 324: (4, [8]), 325: (4, [256])})


def long_text() -> bytes:
    """A PNG whose compressed XMP expands to 50 MB."""
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(50_000_000))
    return with_chunk(encoded(scene(), "PNG"), png_chunk(b"iTXt", text))


def wrong_sums() -> bytes:
    """A PNG with chunks of metadata that are damaged, before and after its pixels, and without its end."""
    damaged = [png_chunk(kind, b"damaged", wrong_sum=True) for kind in (b"iCCP", b"eXIf", b"gAMA")]
    png = encoded(scene(), "PNG")
    return with_chunk(with_chunk(png, b"".join(damaged)), b"".join(damaged), b"IEND")[:-12]


def turned_by_xmp() -> bytes:
    """Upright, though its XMP says that it is on its side; viewers do not look at that."""
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'
    return encoded(scene(), "JPEG", xmp=packet)


def white_is_zero(bits: int = 16) -> bytes:
    """A grey TIFF of 16 bits whose zero is white."""
    grey = 65_535 - np.asarray(scene("L")).astype(np.uint16) * 257
    return tiff(SIZE, [bits], 0, grey.astype("<u2").tobytes())


def clear_bmp() -> bytes:
    """A screenshot: its alpha is 0 everywhere, and means nothing."""
    pixels = np.asarray(scene("RGBA"))[::-1, :, [2, 1, 0, 3]] * np.array([1, 1, 1, 0], np.uint8)
    return bmp(SIZE, pixels.tobytes(), (0xFF0000, 0xFF00, 0xFF, 0xFF000000))


def many_segments() -> bytes:
    """A JPEG with three thousand comments."""
    whole = encoded(scene(), "JPEG")
    return whole[:2] + jpeg_segment(0xFE, b"words " * 10) * 3000 + whole[2:]


HAZARDS = (
    Hazard("exif_rotated", exif_rotated, upright=SIZE[::-1]),
    Hazard("damaged_exif", damaged_exif),
    Hazard("grey", lambda: encoded(scene("L"), "JPEG")),
    Hazard("bilevel", lambda: encoded(scene("1"), "PNG")),
    Hazard("sixteen_bit", sixteen_bit),
    Hazard("transparent_palette", transparent_palette),
    Hazard("translucent", translucent),
    Hazard("cmyk", lambda: encoded(scene("CMYK"), "JPEG")),
    Hazard("ycbcr_tiff", lambda: encoded(scene("YCbCr"), "TIFF")),
    Hazard("animated", animated),
    Hazard("webp", lambda: encoded(scene(), "WEBP")),
    Hazard("bmp", lambda: encoded(scene(), "BMP")),
    Hazard("one_pixel", lambda: encoded(Image.new("RGB", (1, 1), "navy"), "PNG"), upright=(1, 1)),
    Hazard("empty_black", lambda: encoded(Image.new("RGB", SIZE), "PNG")),
    Hazard(
        "very_wide", lambda: encoded(Image.new("RGB", (30_000, 20), "white"), "PNG"), upright=(30_000, 20)
    ),
    Hazard(
        "very_high", lambda: encoded(Image.new("RGB", (20, 30_000), "white"), "PNG"), upright=(20, 30_000)
    ),
    Hazard("long_text", long_text),
    Hazard("wrong_sums", wrong_sums),
    Hazard("turned_by_xmp", turned_by_xmp),
    Hazard("white_is_zero", white_is_zero),
    Hazard("clear_bmp", clear_bmp),
    Hazard("many_segments", many_segments),
    Hazard("jpeg_without_end", lambda: encoded(scene(), "JPEG")[:-2]),
    Hazard("gif_without_end", lambda: encoded(scene(), "GIF")[:-1]),
    Hazard("truncated", truncated, code=40004),
    Hazard("truncated_jpeg", lambda: encoded(scene(), "JPEG")[:-40], code=40004),
    Hazard("ten_bits", lambda: white_is_zero(10), code=40004),
    Hazard("heic", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), code=40004),
    Hazard("not_a_picture", lambda: b"%PDF-1.7 this is something else \x00\x01\x02", code=40004),
    Hazard("float_tiff", lambda: encoded(scene("F"), "TIFF"), code=40004),
    Hazard("postscript", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n\x00", code=40004),
    Hazard("empty", lambda: b"", code=40004),
    Hazard("bomb", bomb, code=41302),
    Hazard("many_scans", lambda: of_scans(1000), code=40004),
    Hazard("huge_tile", huge_tile, code=41302),
)
