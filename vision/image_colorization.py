"""Colouring: a net paints what a grey picture shows, and the picture's own luma stays as it is.

Luma and chroma (Cb, Cr) are those of JPEG: ITU-R BT.601, full range (JFIF 1.02). The net sees a small square
picture, and only its chroma is taken from there: eyes see edges in the luma, which is never resampled.
"""

import io

import msgspec
import numpy as np
import pybase64
from numpy.typing import NDArray
from PIL import Image

from vision.manifest import Manifest
from vision.picture import open_image
from vision.resize import enlarge_in_tiles
from vision.tensors import Tensors

_JPEG_LONGEST_SIDE = 65_500
"""Of libjpeg; a longer picture is answered as PNG."""
_QUALITY = 95
_GREY = np.float32(128)
"""The byte of a chroma of 0."""
_TO_RGB = tuple(
    (np.float32(from_cb), np.float32(from_cr))
    for from_cb, from_cr in ((0, 1.402), (-0.344136, -0.714136), (1.772, 0))
)
"""What Cb and Cr add to the luma in red, green and blue."""
_LEAST = np.float32(1e-6)
"""Colours weaker than this need no room; it keeps a division by 0 away."""

Plane = NDArray[np.uint8]
"""[height, width]."""


class ColorizationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the net is fed."""

    size: int
    """Side of its square input, pixels."""


class ColorizationPreprocess:
    """`image` BYTES [1] to what the net reads and the luma that the answer keeps."""

    def __init__(self, net: Manifest) -> None:
        self._side = net.typed_settings(ColorizationSettings).size

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` uint8 [size, size, 3], R = G = B, and `luma` uint8 [height, width].

        Raises PictureError.
        """
        grey = open_image(image.item()).convert("L")
        small = np.asarray(grey.resize((self._side, self._side), Image.Resampling.BILINEAR))
        return {"pixels": small[..., None].repeat(3, axis=2), "luma": np.asarray(grey)}


class ColorizationPostprocess:
    """`chroma` float32 [h, w, 2] (Cb, Cr, each -128 to 127) and the picture's luma to a coloured picture.

    Needs no manifest: the net's map says its size itself.
    """

    def __call__(self, chroma: NDArray[np.float32], luma: Plane) -> Tensors:
        """Return `out_image` BYTES [1]: Base64 of a JPEG (PNG where JPEG cannot be) of the size of `luma`.

        Base64, since Triton's JSON holds BYTES as they are: whatever is no text would break it.
        """
        blue, red = chroma_planes(chroma, luma)
        file = pybase64.b64encode(picture_file(luma, blue, red))
        return {"out_image": np.array([file], dtype=np.object_)}


def chroma_planes(chroma: NDArray[np.float32], luma: Plane) -> tuple[Plane, Plane]:
    """Return Cb and Cr as bytes [height, width], 128 being none: `chroma` [h, w, 2] at the size of `luma`.

    Where a colour cannot be had at a pixel's luma it is drawn towards grey until it can: clipping red, green
    and blue instead would change the luma.
    """
    blue, red = np.empty_like(luma), np.empty_like(luma)
    planes = np.ascontiguousarray(np.moveaxis(chroma, 2, 0))
    tiles = (enlarge_in_tiles(plane, *luma.shape) for plane in planes)
    for (rows, columns, cb), (_, _, cr) in zip(*tiles, strict=True):
        share = attainable_share(luma[rows, columns], cb, cr)
        blue[rows, columns] = np.rint(cb * share + _GREY)
        red[rows, columns] = np.rint(cr * share + _GREY)
    return blue, red


def attainable_share(luma: Plane, cb: NDArray[np.float32], cr: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest share, 0 to 1, of the chroma with which red, green and blue are all 0 to 255."""
    red, green, blue = (cb * from_cb + cr * from_cr for from_cb, from_cr in _TO_RGB)
    below = luma.astype(np.float32)
    above = 255 - below
    above /= np.maximum(np.maximum(red, green), blue).clip(_LEAST)
    below /= -np.minimum(np.minimum(red, green), blue).clip(max=-_LEAST)
    share: NDArray[np.float32] = np.minimum(above, below, out=above).clip(max=1)
    return share


def picture_file(luma: Plane, blue: Plane, red: Plane) -> bytes:
    """Return planes of one size as a picture file: JPEG, or PNG where a side is too long for JPEG.

    The JPEG's chroma is not subsampled, and its luma never was red, green and blue.
    """
    picture = Image.merge("YCbCr", [Image.fromarray(plane) for plane in (luma, blue, red)])
    file = io.BytesIO()
    if max(picture.size) > _JPEG_LONGEST_SIDE:
        picture.convert("RGB").save(file, "PNG")
    else:
        picture.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return file.getvalue()
