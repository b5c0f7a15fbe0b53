"""Plain bilinear resampling of uint8 pictures, as TensorFlow 1 and OpenCV do it: four pixels in, one out.

Nets that were trained so answer differently to Pillow's bilinear, which averages every pixel that it covers
when it reduces.
"""

from typing import Literal, NamedTuple

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

    Sides are stretched independently. Only the pixels that have a weight are read. With `half_pixel` the
    result equals `cv2.resize` in every byte (opencv `resize.cpp`, `HResizeLinear` and `VResizeLinear`).
    """
    if picture.shape[:2] == (height, width):
        return picture
    rows = _neighbours(picture.shape[0], height, origin)
    columns = _neighbours(picture.shape[1], width, origin)
    result = np.empty((height, width, picture.shape[2]), dtype=np.uint8)
    for start in range(0, height, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        result[part] = _resize_rows(picture, rows.part(part), columns)
    return result


class _Neighbours(NamedTuple):
    """For each result index: its two source indices and their weights, which add up to 2048."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    first_weight: NDArray[np.int32]
    second_weight: NDArray[np.int32]

    def part(self, indices: slice) -> "_Neighbours":
        return _Neighbours(*(values[indices] for values in self))


def _neighbours(source: int, target: int, origin: Origin) -> _Neighbours:
    scale = 1 / (target / source)
    index = np.arange(target)
    exact = index * scale if origin == "corner" else (index + 0.5) * scale - 0.5
    position = exact.astype(np.float32)
    first = np.floor(position).astype(np.intp)
    fraction = position - first.astype(np.float32)
    weights = (np.rint(part * _ONE).astype(np.int32) for part in (1 - fraction, fraction))
    return _Neighbours(first.clip(0, source - 1), (first + 1).clip(0, source - 1), *weights)


def _resize_rows(picture: Picture, rows: _Neighbours, columns: _Neighbours) -> Picture:
    """Return the result rows that `rows` describes: across first, then down, in OpenCV's fixed point."""
    needed, where = np.unique(np.concatenate([rows.first, rows.second]), return_inverse=True)
    across = _resize_across(picture[needed], columns)
    upper, lower = np.split(where, 2)
    result: NDArray[np.int32] = across[upper] * rows.first_weight[:, None, None] >> 16
    result += across[lower] * rows.second_weight[:, None, None] >> 16
    result += 2
    result >>= 2
    return result.astype(np.uint8)


def _resize_across(rows: Picture, columns: _Neighbours) -> NDArray[np.int32]:
    """Return `rows` resized in width, in units of 1 / 128."""
    result: NDArray[np.int32] = rows.take(columns.first, axis=1) * columns.first_weight[:, None]
    result += rows.take(columns.second, axis=1) * columns.second_weight[:, None]
    result >>= 4
    return result
