"""Boxes to pictures of one line each, in any of four directions."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.ocr.warp import homography, warp
from vision.tensors import Picture

Corners = NDArray[np.float32]
"""float32 [4, 2] of (x, y): top left, top right, bottom right, bottom left."""


def crop_line(picture: Picture, corners: Corners, least: int | None = None) -> Picture:
    """Return the perspective view of `corners`, which must lie inside the picture and span at least a pixel.

    With `least`, a line twice as high comes back reduced by a whole factor, averaged, so that its shorter
    side is no less: to cut a line of a large scan whole would cost more than to read it.
    """
    factor = min(crop_size(corners)) // least if least else 1
    return _cut(picture, corners) if factor < 2 else _cut_reduced(picture, corners, factor)


def _cut(picture: Picture, corners: Corners) -> Picture:
    width, height = crop_size(corners)
    left, top = corners[0].astype(int)
    if np.array_equal(corners, _rectangle(left, top, left + width, top + height)):
        return picture[top : top + height, left : left + width]
    own = _rectangle(0, 0, width, height)
    return warp(picture, homography(own, corners.astype(np.float64)), width, height)


def _cut_reduced(picture: Picture, corners: Corners, factor: int) -> Picture:
    left, top = corners.min(axis=0).astype(int)
    right, bottom = corners.max(axis=0).astype(int) + 1
    region = Image.fromarray(np.ascontiguousarray(picture[top:bottom, left:right])).reduce(factor)
    inside = ((corners - (left, top)) / factor).round().clip(0, (region.width, region.height))
    return _cut(np.asarray(region), inside.astype(np.float32))


def started(corners: Corners, quarters: int) -> Corners:
    """Return corners from where the reading starts once the line is turned by `quarters` to the left."""
    return np.roll(corners, -quarters, axis=0)


def crop_size(corners: Corners) -> tuple[int, int]:
    """Return the whole lengths of the longer of each two opposite sides: width, height."""
    top, right, bottom, left = np.hypot(*(corners - np.roll(corners, -1, axis=0)).T)
    return int(max(top, bottom)), int(max(left, right))


def _rectangle(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)
