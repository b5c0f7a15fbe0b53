"""Plain bilinear resampling, as TensorFlow 1 and OpenCV do it: four pixels in, one out.

Nets that were trained so answer differently to Pillow's bilinear, which averages every pixel that it covers
when it reduces.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.tensors import Picture

_CORNER, _CENTRE = 0.0, 0.5
"""Which point of a pixel its index means: TensorFlow 1's and OpenCV's."""

_ONE = 2048  # weights are multiples of 1 / 2048, as in OpenCV, whose results are met to the bit
_ROWS_AT_ONCE = 32  # keeps the 32-bit intermediates in the processor's cache
_TILE_WIDTH = 4096
_TILE_AREA = 1 << 17  # keeps a tile's intermediates in the processor's cache


def resize_bilinear(picture: Picture, height: int, width: int) -> Picture:
    """Return `picture`, uint8 [h, w, channels], as uint8 [height, width, channels], not antialiased.

    Sides are stretched independently. Only the pixels that have a weight are read. The result equals
    `cv2.resize` in every byte (opencv `resize.cpp`, `HResizeLinear` and `VResizeLinear`), where
    x_source = (x + 0.5) * scale - 0.5.
    """
    if picture.shape[:2] == (height, width):
        return picture
    rows = _neighbours(picture.shape[0], height)
    columns = _neighbours(picture.shape[1], width)
    result = np.empty((height, width, picture.shape[2]), dtype=np.uint8)
    for start in range(0, height, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        result[part] = _resize_rows(picture, rows.part(part), columns)
    return result


def resize_bilinear_exact(
    picture: Picture, height: int, width: int, *, centred: bool = False
) -> NDArray[np.float32]:
    """Return `picture`, uint8 [h, w, channels], as float32 [height, width, channels], 0 to 255, not rounded.

    It is what TensorFlow 1's `resize_bilinear` computes, where x_source = x * scale; where `centred`, what
    PyTorch's `interpolate` does, where x_source = (x + 0.5) * scale - 0.5. Not antialiased either.
    """
    origin = _CENTRE if centred else _CORNER
    down = _positions(picture.shape[0], height, origin, slice(0, height))
    across = _positions(picture.shape[1], width, origin, slice(0, width))
    needed, where = np.unique(np.concatenate([down.first, down.second]), return_inverse=True)
    rows = _across_exact(picture[needed], across)
    above, below = np.split(where, 2)
    upper: NDArray[np.float32] = rows[above]
    lower: NDArray[np.float32] = rows[below]
    lower -= upper
    lower *= down.share[:, None, None]
    upper += lower
    return upper


def _across_exact(rows: Picture, across: "_Positions") -> NDArray[np.float32]:
    """Return `rows` resized in width."""
    left, right = (rows.take(columns, axis=1).astype(np.float32) for columns in (across.first, across.second))
    right -= left
    right *= across.share[:, None]
    left += right
    return left


class Tile(NamedTuple):
    """A part of a resized plane: which rows and columns of the result, and their values."""

    rows: slice
    columns: slice
    values: NDArray[np.float32]


def enlarge_in_tiles(plane: NDArray[np.float32], height: int, width: int) -> Iterator[Tile]:
    """Yield `plane`, float32 [h, w], as [height, width], tile by tile, not antialiased.

    A caller that keeps less than a float of each pixel never needs memory for the whole result in floats.
    The tiles equal `cv2.resize` of the whole but for the last bits of a float.
    """
    for window in windows(plane.shape, height, width, _TILE_WIDTH):
        yield Tile(window.rows, window.columns, window.enlarged(plane))


class Window(NamedTuple):
    """A part of the result of an enlargement, and what it is made from."""

    rows: slice
    columns: slice
    source_rows: slice
    """Of the plane that is enlarged: those that have a weight in this part."""
    source_columns: slice
    down: "_Positions"
    across: "_Positions"

    def enlarged(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return this part of the enlarged `plane`; the same floats whatever the parts are."""
        return _resize_plane(plane, self.down, self.across)


def windows(shape: tuple[int, ...], height: int, width: int, max_width: int) -> Iterator[Window]:
    """Yield the parts of the enlargement of planes of `shape`, [h, w], to [height, width].

    They are at most `max_width` wide, and small enough for the processor's cache.
    """
    for left in range(0, width, max_width):
        columns = slice(left, min(left + max_width, width))
        step = max(1, _TILE_AREA // (columns.stop - left))
        across = _positions(shape[1], width, _CENTRE, columns)
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            down = _positions(shape[0], height, _CENTRE, rows)
            yield Window(rows, columns, down.reach(), across.reach(), down, across)


class _Positions(NamedTuple):
    """For each result index: its two source indices and the second one's share, 0 to 1."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: NDArray[np.float32]

    def reach(self) -> slice:
        """Return the source indices from the first to the last, where result indices rise."""
        return slice(int(self.first[0]), int(self.second[-1]) + 1)


def _positions(source: int, target: int, origin: float, part: slice) -> _Positions:
    scale = 1 / (target / source)
    index = np.arange(part.start, part.stop)
    position = ((index + origin) * scale - origin).astype(np.float32)
    first = np.floor(position).astype(np.intp)
    share = position - first.astype(np.float32)
    return _Positions(first.clip(0, source - 1), (first + 1).clip(0, source - 1), share)


def _resize_plane(plane: NDArray[np.float32], down: _Positions, across: _Positions) -> NDArray[np.float32]:
    """Return the part of the result that `down` and `across` describe: across first, then down, as OpenCV."""
    above = down.first[0]
    needed = plane[down.reach()]
    wide: NDArray[np.float32] = needed.take(across.first, axis=1) * (1 - across.share)
    wide += needed.take(across.second, axis=1) * across.share
    result: NDArray[np.float32] = wide.take(down.first - above, axis=0)
    result *= (1 - down.share)[:, None]
    lower = wide.take(down.second - above, axis=0)
    lower *= down.share[:, None]
    result += lower
    return result


class _Neighbours(NamedTuple):
    """For each result index: its two source indices and their weights, which add up to 2048."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    first_weight: NDArray[np.int32]
    second_weight: NDArray[np.int32]

    def part(self, indices: slice) -> "_Neighbours":
        return _Neighbours(*(values[indices] for values in self))


def _neighbours(source: int, target: int) -> _Neighbours:
    first, second, share = _positions(source, target, _CENTRE, slice(0, target))
    weights = (np.rint(part * _ONE).astype(np.int32) for part in (1 - share, share))
    return _Neighbours(first, second, *weights)


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
