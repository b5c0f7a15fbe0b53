"""One decode for every service: a picture file, or Base64 text of it, to an upright RGB picture.

What becomes of which file says `modelhub_pictures.decoding`.
"""

import contextlib
import string

import numpy as np
from PIL import Image

from modelhub_pictures.decoding import Ground, open_picture, white
from modelhub_pictures.errors import InvalidBase64
from modelhub_pictures.limits import MAX_PIXELS
from vision.base64_text import decode_base64
from vision.tensors import Picture

_BASE64_CHARACTERS = (string.ascii_letters + string.digits + "+/-_= \r\n\t").encode()
_TEXT_PROBE = 64


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


def decode_image(payload: bytes, max_pixels: int = MAX_PIXELS, ground: Ground = white) -> Picture:
    """Return the upright RGB picture, uint8 [height, width, 3], of a file's bytes or Base64 text of them.

    Transparency is laid on the grey level that `ground` returns for a picture of mode RGBA.
    Raises NotAnImage, TooManyPixels.
    """
    return np.asarray(open_image(payload, max_pixels=max_pixels, ground=ground))


def open_image(
    payload: bytes, short_side: int | None = None, max_pixels: int = MAX_PIXELS, ground: Ground = white
) -> Image.Image:
    """Return what `modelhub_pictures.decoding.open_picture` does, of Base64 text too."""
    return open_picture(image_bytes(payload), short_side, max_pixels, ground)
