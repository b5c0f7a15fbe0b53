"""One decode for every service: a picture file's bytes to an upright RGB picture.

What a caller may send, and what becomes of it:

- EXIF orientation is applied; a damaged EXIF block counts as none.
- Grey is repeated over three channels; 16-bit grey keeps its upper eight bits.
- Transparency (alpha, palette, colour key) is laid on white, or on what a service chooses (`ground`).
- CMYK becomes RGB by Pillow's conversion; colour profiles are not applied.
- Of an animation the first frame is taken.
- 32-bit integer and float pictures have no defined white and are refused.
"""

import contextlib
import io
import string
import warnings
from collections.abc import Callable

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, WebPImagePlugin

from modelhub_pictures.errors import InvalidBase64, NotAnImage, PictureError, TooManyPixels
from modelhub_pictures.formats import FORMATS
from modelhub_pictures.limits import MAX_PIXELS
from modelhub_pictures.structure import check_exif, check_structure
from vision.base64_text import decode_base64
from vision.tensors import Picture

_REGISTERED = (TiffImagePlugin, WebPImagePlugin)
"""Imported for their readers, which Pillow does not register by itself."""
_BASE64_CHARACTERS = (string.ascii_letters + string.digits + "+/-_= \r\n\t").encode()
_TEXT_PROBE = 64
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.MAX_IMAGE_PIXELS = None  # the limit below is ours: an error with a code, before any decoding


Ground = Callable[[Image.Image], int]
"""The grey level on which a picture of mode RGBA is laid."""


def _white(_: Image.Image) -> int:
    return 255


def image_bytes(payload: bytes) -> bytes:
    """Return the picture file in `payload`, which is the file itself or Base64 text of it.

    No picture format starts with 64 characters of the Base64 alphabet, so the two cannot be confused.
    Text that is not Base64 either comes back as it is, to be refused as no image.
    """
    head = payload[:_TEXT_PROBE]
    if head.startswith(b"data:") or not head.translate(None, _BASE64_CHARACTERS):
        with contextlib.suppress(InvalidBase64):
            return decode_base64(payload)
    return payload


def decode_image(payload: bytes, max_pixels: int = MAX_PIXELS, ground: Ground = _white) -> Picture:
    """Return the upright RGB picture, uint8 [height, width, 3], of a file's bytes or Base64 text of them.

    Transparency is laid on the grey level that `ground` returns for a picture of mode RGBA.
    Raises NotAnImage, TooManyPixels.
    """
    return np.asarray(open_image(payload, max_pixels=max_pixels, ground=ground))


def open_image(
    payload: bytes, short_side: int | None = None, max_pixels: int = MAX_PIXELS, ground: Ground = _white
) -> Image.Image:
    """Return the upright RGB picture as a loaded Pillow image of mode RGB.

    With `short_side`, a JPEG may come back reduced by 2, 4 or 8, which its decoder does almost for free;
    its shorter side stays at least twice `short_side`, so that a resample to that size still has detail.
    Raises NotAnImage, TooManyPixels.
    """
    try:
        return _decode(image_bytes(payload), short_side, max_pixels, ground)
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise many kinds on hostile bytes; all mean the same
        raise NotAnImage(f"the bytes cannot be decoded as an image ({type(error).__name__})") from error


def _decode(data: bytes, short_side: int | None, max_pixels: int, ground: Ground) -> Image.Image:
    if not data:
        raise NotAnImage("the image is empty")
    check_structure(data, max_pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of damaged metadata, which matters little
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(image, max_pixels)
        if short_side is not None:
            scale = 2 * short_side / min(image.size)
            image.draft("RGB", (int(image.width * scale) + 1, int(image.height * scale) + 1))
        image.load()  # first: reading EXIF would swallow the error of a truncated file
        turn = _UPRIGHT.get(_orientation(image))
        upright = _to_rgb(image, ground)
        return upright if turn is None else upright.transpose(turn)


def _check_size(image: Image.Image, max_pixels: int) -> None:
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise TooManyPixels(
            f"the image has {image.width} x {image.height} = {pixels} pixels; the limit is {max_pixels}"
        )


def _orientation(image: Image.Image) -> int:
    try:
        check_exif(_exif(image))
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged EXIF block must not cost the caller the picture
        return 1


def _exif(image: Image.Image) -> bytes:
    """Return the EXIF block that Pillow is about to read; ImageMagick writes it as text into PNG files."""
    block: bytes | None = image.info.get("exif")
    if block is None:
        lines = image.info.get("Raw profile type exif", "").split("\n")[3:]
        return bytes.fromhex("".join(lines))
    return block


def _to_rgb(image: Image.Image, ground: Ground) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode in {"I", "F"}:
        raise NotAnImage("32-bit integer and float pictures are not supported; send 8 or 16 bits a channel")
    if "transparency" in image.info or image.mode in {"RGBA", "LA", "PA", "RGBa", "La"}:
        layer = image.convert("RGBA")
        level = ground(layer)
        below = Image.new("RGBA", layer.size, (level, level, level, 255))
        return Image.alpha_composite(below, layer).convert("RGB")
    return image.convert("RGB")
