"""Boxes of a picture to a batch for a net that looks at one of them at a time."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.nms import Boxes
from vision.tensors import Picture


def cut_regions(picture: Picture, boxes: Boxes, height: int, width: int) -> NDArray[np.uint8]:
    """Return what lies inside each of `boxes`, squashed to uint8 [n, height, width, 3], antialiased bilinear.

    `boxes`, float32 [n, 4] of (top, left, bottom, right), are in pixels of `picture` and need not be whole;
    bottom > top, right > left. Inside the picture a region is what Pillow's `resize` makes of the box; what a
    box holds outside is black.
    """
    regions = np.empty((len(boxes), height, width, 3), dtype=np.uint8)
    for region, box in zip(regions, boxes.tolist(), strict=True):
        region[:] = _cut(picture, box, height, width)
    return regions


def enlarged(boxes: Boxes, share: float) -> Boxes:
    """Return `boxes` [n, 4] of (top, left, bottom, right), grown on every side by `share` of their size."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * np.float32(share)
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)


def _cut(picture: Picture, box: list[float], height: int, width: int) -> Image.Image:
    top, left, bottom, right = box
    rows = _reach(top, bottom, height, picture.shape[0])
    columns = _reach(left, right, width, picture.shape[1])
    window = Image.fromarray(_window(picture, rows, columns))
    inner = (left - columns.start, top - rows.start, right - columns.start, bottom - rows.start)
    return window.resize((width, height), Image.Resampling.BILINEAR, box=inner)


def _reach(start: float, stop: float, target: int, side: int) -> slice:
    """Return the whole pixels of start..stop, and those of the picture's `side` that resampling reads beyond.

    A box that ends with the picture is not blended with the black outside.
    """
    beyond = max(1.0, (stop - start) / target)
    first = min(math.floor(start), max(math.floor(start - beyond), 0))
    return slice(first, max(math.ceil(stop), min(math.ceil(stop + beyond), side)))


def _window(picture: Picture, rows: slice, columns: slice) -> Picture:
    """Return rows and columns of `picture`, black where there are none; only these are copied."""
    window = np.zeros((rows.stop - rows.start, columns.stop - columns.start, 3), dtype=np.uint8)
    top, left = max(rows.start, 0), max(columns.start, 0)
    inside = picture[top : max(rows.stop, 0), left : max(columns.stop, 0)]
    down, across = top - rows.start, left - columns.start
    window[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return window
