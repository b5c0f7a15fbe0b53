"""Perspective views of a picture, sampled as OpenCV's `warpPerspective` does with `INTER_CUBIC`.

Pillow's bicubic has another kernel (a = -1 where OpenCV's a is -0.75): 1.2 grey levels apart on average on
drawn text, which is enough to have some lines read differently.
"""

import numpy as np
from numpy.typing import NDArray

from vision.tensors import Picture

_SHARPNESS = -0.75
_POSITIONS = 32  # positions are rounded to this part of a pixel (opencv `INTER_TAB_SIZE`)
_PIXELS_AT_ONCE = 65536


def homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, ...]:
    """Return a, ..., h of u = (a x + b y + c) / (g x + h y + 1), v = (d x + e y + f) / (g x + h y + 1).

    It takes four points (x, y) of `source` [4, 2] to (u, v) of `target`; no three may lie on one line.
    """
    equations = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return tuple(np.linalg.solve(np.array(equations), target.ravel()).tolist())


def warp(picture: Picture, coefficients: tuple[float, ...], width: int, height: int) -> Picture:
    """Return uint8 [height, width, 3] whose pixel (x, y) lies at the homography's (u, v) in `picture`.

    Indices are pixel centres. Beyond its edges a picture goes on as its outermost pixels.
    """
    result = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _PIXELS_AT_ONCE // width)
    for top in range(0, height, rows):
        part = result[top : top + rows]
        part[:] = _sample(picture, *_positions(coefficients, width, np.arange(top, top + len(part))))
    return result


def _positions(
    coefficients: tuple[float, ...], width: int, rows: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return u and v of all pixels of `rows`, [rows, width], in 1 / 32 of a pixel."""
    a, b, c, d, e, f, g, h = coefficients
    x, y = np.arange(width), rows[:, None]
    scale = _POSITIONS / (g * x + h * y + 1)
    u, v = (a * x + b * y + c) * scale, (d * x + e * y + f) * scale
    return np.rint(u).astype(np.intp), np.rint(v).astype(np.intp)


def _sample(picture: Picture, u: NDArray[np.intp], v: NDArray[np.intp]) -> Picture:
    """Return the pixels at `u` and `v` [rows, width], in 1 / 32 of a pixel, from 4 x 4 neighbours."""
    height, width = picture.shape[:2]
    pixels = picture.reshape(-1, 3)
    columns, column_weights = _taps(u, width), _WEIGHTS.T[:, u % _POSITIONS, None]
    total = np.zeros((*u.shape, 3), dtype=np.float32)
    for row, row_weight in zip(_taps(v, height), _WEIGHTS.T[:, v % _POSITIONS, None], strict=True):
        across = np.zeros_like(total)
        for column, weight in zip(columns, column_weights, strict=True):
            across += pixels.take(row * width + column, axis=0) * weight
        total += across * row_weight
    grey: Picture = np.rint(total).clip(0, 255).astype(np.uint8)
    return grey


def _taps(position: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Return the four indices around each position, [4, ...], inside a side of `size` pixels."""
    first = position // _POSITIONS - 1
    offsets = np.arange(4).reshape(4, *(1 for _ in position.shape))
    return (first + offsets).clip(0, size - 1)


def _cubic_weights(fraction: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the weights of the four neighbours, [..., 4] (Keys, 1981)."""
    a = _SHARPNESS
    before, after = fraction + 1, 1 - fraction
    outer = ((a * before - 5 * a) * before + 8 * a) * before - 4 * a
    near = ((a + 2) * fraction - (a + 3)) * fraction**2 + 1
    far = ((a + 2) * after - (a + 3)) * after**2 + 1
    weights = np.stack([outer, near, far, 1 - outer - near - far], axis=-1)
    return np.asarray(weights, dtype=np.float32)


_WEIGHTS = _cubic_weights(np.arange(_POSITIONS) / _POSITIONS)
