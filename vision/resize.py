"""Plain bilinear resampling of uint8 pictures, as TensorFlow 1 and OpenCV do it: four pixels in, one out.

Nets of those makers were trained on pictures without antialiasing and answer differently to Pillow's bilinear, which
averages every pixel that it covers when it reduces.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vision.tensors import Picture

Origin = Literal["corner", "half_pixel"]
"""Which point of a pixel its index means.

- `corner`: x_source = x * scale; TensorFlow 1's `resize_bilinear`, MediaPipe.
- `half_pixel`: x_source = (x + 0.5) * scale - 0.5; OpenCV's `INTER_LINEAR`.
"""

_ONE = 2048  # weights are multiples of 1 / 2048, as in OpenCV, whose results are met to the bit
_ROWS_AT_ONCE = 32  # keeps the 32-bit intermediates in the processor's cache


def resize_bilinear(picture: Picture, height: int, width: int, origin: Origin) -> Picture:
    """Return `picture`, uint8 [h, w, channels], as uint8 [height, width, channels], not antialiased.

    Sides are stretched independently. Only the pixels that have a weight are read. With `half_pixel` the result
    equals `cv2.resize` in every byte (opencv `imgproc/src/resize.cpp`, `HResizeLinear` and `VResizeLinear`).
    """
    if picture.shape[:2] == (height, width):
        return picture
    rows = _neighbours(picture.shape[0], height, origin)
    columns = _neighbours(picture.shape[1], width, origin)
    result = np.empty((height, width, picture.shape[2]), dtype=np.uint8)
    for start in range(0, height, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        result[part] = _resize_rows(picture, tuple(values[part] for values in rows), columns)
    return result


_Neighbours = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]
"""For each result index: its two source indices and their weights, which add up to 2048."""


def _neighbours(source: int, target: int, origin: Origin) -> _Neighbours:
    scale = 1 / (target / source)
    index = np.arange(target)
    exact = index * scale if origin == "corner" else (index + 0.5) * scale - 0.5
    position = exact.astype(np.float32)
    first = np.floor(position).astype(np.intp)
    fraction = position - first.astype(np.float32)
    lower, upper = (np.rint(part * _ONE).astype(np.int32) for part in (1 - fraction, fraction))
    return np.clip(first, 0, source - 1), np.clip(first + 1, 0, source - 1), lower, upper


def _resize_rows(picture: Picture, rows: _Neighbours, columns: _Neighbours) -> Picture:
    """Return the result rows that `rows` describes: across first, then down, in OpenCV's fixed point."""
    upper, lower, upper_weight, lower_weight = rows
    needed, where = np.unique(np.concatenate([upper, lower]), return_inverse=True)
    across = _resize_across(picture[needed], columns)
    result = across[where[: len(upper)]] * upper_weight[:, None, None] >> 16
    result += across[where[len(upper) :]] * lower_weight[:, None, None] >> 16
    result += 2
    result >>= 2
    return result.astype(np.uint8)


def _resize_across(rows: Picture, columns: _Neighbours) -> NDArray[np.int32]:
    """Return `rows` resized in width, in units of 1 / 128."""
    left, right, left_weight, right_weight = columns
    result = rows.take(left, axis=1) * left_weight[:, None]
    result += rows.take(right, axis=1) * right_weight[:, None]
    result >>= 4
    return result
