"""A picture stretched to another size by OpenCV's `warpPerspective`, as MediaPipe feeds its nets.

It differs from a resize in three ways that nets notice: corners are laid on corners (x_source = x * scale),
positions are whole steps of 1/32 pixel, and beyond the last row and column all is black, which small pictures
show at their right and lower edge when they are enlarged.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.tensors import Picture

_STEPS = 32  # of a pixel: OpenCV's INTER_TAB_SIZE


Positions = NDArray[np.float64]


class _Taps(NamedTuple):
    """For each result index: its two source indices and their weights in 1/32, 0 beyond the edge."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    first_weight: NDArray[np.uint16]
    second_weight: NDArray[np.uint16]


def warp(picture: Picture, height: int, width: int) -> Picture:
    """Return `picture`, uint8 [h, w, channels], as uint8 [height, width, channels], not antialiased.

    Equals `cv2.warpPerspective(..., flags=INTER_LINEAR)` between the two rectangles (opencv `imgwarp.cpp`),
    except in about one of ten sizes, where positions between two steps are rounded to the other.
    """
    rows, columns = _positions(picture.shape[0], picture.shape[1], height, width)
    down, across = _taps(rows, picture.shape[0]), _taps(columns, picture.shape[1])
    needed, where = np.unique(np.concatenate([down.first, down.second]), return_inverse=True)
    wide = _across(picture[needed], across)
    upper, lower = np.split(where, 2)
    result: NDArray[np.uint32] = wide[upper] * down.first_weight.astype(np.uint32)[:, None, None]
    result += wide[lower] * down.second_weight.astype(np.uint32)[:, None, None]
    result += _STEPS**2 // 2
    result //= _STEPS**2
    return result.astype(np.uint8)


def _positions(height: int, width: int, to_height: int, to_width: int) -> tuple[Positions, Positions]:
    """Return where the result's rows and columns lie in the source, in steps.

    Computed as OpenCV does, by inverting the matrix of the opposite warp: in common sizes half of all
    positions lie between two steps, and the last bits of a float decide to which they are rounded.
    """
    x_scale, y_scale = to_width / width, to_height / height
    divisor = 1 / (x_scale * y_scale)
    steps = _STEPS / (x_scale * y_scale * divisor)
    rows = np.arange(to_height) * (x_scale * divisor) * steps
    return rows, np.arange(to_width) * (y_scale * divisor) * steps


def _taps(positions: Positions, source: int) -> _Taps:
    """Return the taps of `positions`, given in steps, on an axis of `source` pixels."""
    first, step = np.divmod(np.rint(positions).astype(np.intp), _STEPS)
    indices = (first, first + 1)
    weights = ((_STEPS - step) * (first < source), step * (first + 1 < source))
    return _Taps(
        *(index.clip(0, source - 1) for index in indices), *(weight.astype(np.uint16) for weight in weights)
    )


def _across(rows: Picture, across: _Taps) -> NDArray[np.uint16]:
    """Return `rows` stretched in width, in units of 1/32."""
    result: NDArray[np.uint16] = rows.take(across.first, axis=1) * across.first_weight[:, None]
    result += rows.take(across.second, axis=1) * across.second_weight[:, None]
    return result
