"""A picture file's bytes to an upright RGB picture.

What a caller may send, and what becomes of it:

- EXIF orientation is applied; a damaged EXIF block counts as none, and so does what XMP says of orientation.
- All other metadata is skipped unread, whatever is wrong with it.
- Grey is repeated over three channels; of more than 8 bits the upper eight are kept. A TIFF whose zero is
  white is seen so.
- Transparency (alpha, palette, colour key) is laid on white, or on what a service chooses (`ground`). A BMP
  whose alpha is 0 everywhere has none.
- CMYK becomes RGB by Pillow's conversion; colour profiles are not applied.
- Of an animation the first frame is taken.
- 32-bit integer and float pictures have no defined white and are refused.
- A file that lacks its end is read if its pixels are whole.
"""

import io
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from modelhub_pictures import chunked, jpeg, tiff
from modelhub_pictures.errors import NotAnImage, PictureError, TooManyPixels
from modelhub_pictures.essence import Essence, cut_short
from modelhub_pictures.formats import HEAD_BYTES, NAMED_BYTES, format_of, refusal
from modelhub_pictures.limits import MAX_PIXELS

_REGISTERED = (TiffImagePlugin, WebPImagePlugin)
"""Imported for their readers, which Pillow does not register by itself."""
_ESSENTIAL: Mapping[str, Callable[[bytes, int], Essence]] = {
    "JPEG": jpeg.essential,
    "PNG": chunked.png,
    "WEBP": chunked.webp,
    "GIF": chunked.gif,
    "BMP": lambda data, _: Essence(data),
    "TIFF": tiff.essential,
}
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_XMP = ("xmp", "XML:com.adobe.xmp")
_ORIENTATION = 0x0112
_TRUNCATED = "truncated"
"""What Pillow says where bytes are lacking."""
_TOLD = 100
"""Characters of what Pillow says of a file that it cannot read."""

Image.MAX_IMAGE_PIXELS = None  # the limit below is ours: an error with a code, before any decoding


Ground = Callable[[Image.Image], int]
"""The grey level, 0 to 255, on which a picture of mode RGBA is laid."""


def white(_: Image.Image) -> int:
    """Return the level of white."""
    return 255


def open_picture(
    data: bytes, short_side: int | None = None, max_pixels: int = MAX_PIXELS, ground: Ground = white
) -> Image.Image:
    """Return the upright RGB picture in a file as a loaded Pillow image of mode RGB.

    With `short_side`, a JPEG may come back reduced by 2, 4 or 8, which its decoder does almost for free;
    its shorter side stays at least twice `short_side`, so that a resample to that size still has detail.
    Transparency is laid on the level that `ground` returns for a picture of mode RGBA.
    Raises NotAnImage, TooManyPixels.
    """
    if not data:
        raise NotAnImage("the image is empty")
    kind = format_of(data[:HEAD_BYTES])
    if kind is None:
        raise NotAnImage(refusal(data[:NAMED_BYTES]))
    try:
        return _decoded(kind, data, short_side, max_pixels, ground)
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise many kinds on hostile bytes; all mean the same
        raise _unreadable(kind, len(data), error) from error


def upright(picture: Image.Image) -> Image.Image:
    """Return a picture in memory upright, as its EXIF says, and RGB; it itself where it is.

    Raises NotAnImage for a mode that has no defined look.
    """
    rgb = _rgb(picture, Essence(b""), white)
    turn = _UPRIGHT.get(orientation_of(picture))
    return rgb if turn is None else rgb.transpose(turn)


def orientation_of(picture: Image.Image) -> int:
    """Return the EXIF orientation of a picture in memory, 1 to 8; what XMP alone says counts for nothing."""
    block = picture.info.get("exif")
    if isinstance(block, bytes):
        return tiff.orientation(block)
    if any(name in picture.info for name in _XMP):
        return 1
    return int(picture.getexif().get(_ORIENTATION, 1))


def _decoded(kind: str, data: bytes, short_side: int | None, max_pixels: int, ground: Ground) -> Image.Image:
    essence = _ESSENTIAL[kind](data, max_pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = _loaded(kind, essence.data, short_side, max_pixels)
        except OSError as error:
            if kind != "JPEG" or _TRUNCATED not in str(error).lower():
                raise
            image = _without_end(essence.data, short_side, max_pixels, len(data))
        rgb = _rgb(image, essence, ground)
    turn = _UPRIGHT.get(essence.orientation)
    return rgb if turn is None else rgb.transpose(turn)


def _loaded(kind: str, data: bytes, short_side: int | None, max_pixels: int) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=[kind])
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise TooManyPixels(
            f"the image has {image.width} x {image.height} = {pixels} pixels; the limit is {max_pixels}"
        )
    if short_side is not None:
        scale = 2 * short_side / min(image.size)
        image.draft("RGB", (int(image.width * scale) + 1, int(image.height * scale) + 1))
    image.load()
    return image


def _without_end(data: bytes, short_side: int | None, max_pixels: int, size: int) -> Image.Image:
    """Return the picture in a JPEG that lacks its end marker, whose file had `size` bytes.

    Decoders put zeros for pixels that are lacking. So the file is decoded twice, with two continuations:
    where the pictures differ, something was lacking. Raises NotAnImage, which says where.
    """
    if data.endswith(jpeg.UNWRITTEN):
        data = data.rstrip(b"\0")
    data = data.removesuffix(b"\xff")
    try:
        image = _loaded("JPEG", data + jpeg.END, None, max_pixels)
        other = _loaded("JPEG", data + jpeg.NOISE + jpeg.END, None, max_pixels)
    except OSError:  # it ends between two scans
        raise cut_short("JPEG", size) from None
    differing = ImageChops.difference(image, other).getbbox()
    if differing:
        raise cut_short("JPEG", size, f"in row {differing[1]} of {image.height}")
    if jpeg.lacks_scans(data):
        raise cut_short("JPEG", size, "before its last scan")
    return image if short_side is None else _loaded("JPEG", data + jpeg.END, short_side, max_pixels)


def _unreadable(kind: str, size: int, error: Exception) -> NotAnImage:
    said = str(error)
    if _TRUNCATED in said.lower() or "not enough" in said.lower():
        return cut_short(kind, size)
    if isinstance(error, UnidentifiedImageError):
        return NotAnImage(f"the {kind} file cannot be decoded: its header is damaged or incomplete")
    why = said[:_TOLD] if said.isprintable() and "0x" not in said else ""
    return NotAnImage(f"the {kind} file cannot be decoded: {why or type(error).__name__}")


# Pixels


def _rgb(image: Image.Image, essence: Essence, ground: Ground) -> Image.Image:
    if image.mode in {"I", "F"}:
        raise NotAnImage("32-bit integers and floats have no defined white; send 8 or 16 bits a channel")
    if image.mode == "LAB":
        raise NotAnImage("CIELab pictures are not supported; send RGB")
    if essence.ycbcr:
        image = Image.merge("YCbCr", image.split())
    clear = _is(image, essence.key) if essence.key else None
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> max(0, essence.bits - 8)).astype(np.uint8))
    if essence.white_is_zero:
        image = _inverted(image)
    if clear is not None:
        image = image.convert("RGB")
        image.putalpha(Image.fromarray(~clear))
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        return _laid(image, ground)
    return image if image.mode == "RGB" else image.convert("RGB")


def _is(image: Image.Image, key: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels have the colour `key`."""
    values = np.asarray(image.convert("L") if image.mode == "1" else image)
    same: NDArray[np.bool_] = values == np.array(key if len(key) > 1 else key[0])
    return same.all(axis=2) if same.ndim == 3 else same


def _inverted(image: Image.Image) -> Image.Image:
    """Return the negative of a grey picture, whose alpha stays."""
    if image.mode == "LA":
        grey, alpha = image.split()
        return Image.merge("LA", (ImageChops.invert(grey), alpha))
    return ImageChops.invert(image.convert("L"))


def _laid(image: Image.Image, ground: Ground) -> Image.Image:
    layer = image.convert("RGBA")
    if image.format == "BMP" and not layer.getchannel("A").getbbox():
        return layer.convert("RGB")
    level = ground(layer)
    below = Image.new("RGBA", layer.size, (level, level, level, 255))
    return Image.alpha_composite(below, layer).convert("RGB")
