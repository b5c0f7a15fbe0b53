"""Boxes to upright pictures of one line each."""

import numpy as np
from numpy.typing import NDArray

from vision.ocr.warp import homography, warp
from vision.tensors import Picture

Corners = NDArray[np.float32]
"""float32 [4, 2] of (x, y): top left, top right, bottom right, bottom left."""


def crop_line(picture: Picture, corners: Corners, turn_ratio: float) -> tuple[Picture, Corners]:
    """Return the line inside `corners` as it is read, and the corners from its start, clockwise.

    A line `turn_ratio` times higher than wide is turned a quarter to the left: its top right corner becomes
    the start. `corners` must lie inside the picture and span at least a pixel.
    """
    line = _cut(picture, corners)
    if line.shape[0] >= turn_ratio * line.shape[1]:
        return np.rot90(line), np.roll(corners, -1, axis=0)
    return line, corners


def upside_down(corners: Corners) -> Corners:
    """Return the corners in the order that they have once the line is turned by 180 degrees."""
    return np.roll(corners, -2, axis=0)


def _cut(picture: Picture, corners: Corners) -> Picture:
    width, height = crop_size(corners)
    left, top = corners[0].astype(int)
    if np.array_equal(corners, _rectangle(left, top, left + width, top + height)):
        return picture[top : top + height, left : left + width]
    return _warp(picture, corners, width, height)


def crop_size(corners: Corners) -> tuple[int, int]:
    """Return the whole lengths of the longer of each two opposite sides: width, height."""
    top, right, bottom, left = np.hypot(*(corners - np.roll(corners, -1, axis=0)).T)
    return int(max(top, bottom)), int(max(left, right))


def _warp(picture: Picture, corners: Corners, width: int, height: int) -> Picture:
    """Return the perspective view of `corners`."""
    own = _rectangle(0, 0, width, height)
    return warp(picture, homography(own, corners.astype(np.float64)), width, height)


def _rectangle(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)
