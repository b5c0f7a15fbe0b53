"""Squares of letterboxed shelves, which the detector learns from."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.nms import Boxes
from vision.tensors import Picture

SIDE = 320
SAME_SCALE = 0.5
"""Share of squares that are seen at the scale that is served; the others at one within SCALES."""
SCALES = (0.7, 1.4)
LEAST_INSIDE = 0.3
"""A drink of which less than this share lies in the square is not taught."""


def square(pixels: Picture, boxes: Boxes, rng: np.random.Generator) -> tuple[Picture, Boxes]:
    """Return a square of a letterboxed shelf, uint8 [SIDE, SIDE, 3], and the boxes [n, 4] in its pixels."""
    scale = 1.0 if rng.random() < SAME_SCALE else float(np.exp(rng.uniform(*np.log(SCALES))))
    side = SIDE / scale
    top, left = (float(rng.uniform(0, len(pixels) - side)) for _ in range(2))
    if scale == 1.0:
        top, left = round(top), round(left)
    area = (left, top, left + side, top + side)
    picture = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=area))
    moved = ((boxes - np.array([top, left, top, left])) * scale).astype(np.float32)
    inside = moved.clip(0, SIDE)
    kept = inside[_areas(inside) > LEAST_INSIDE * _areas(moved)]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        kept = np.stack((kept[:, 0], SIDE - kept[:, 3], kept[:, 2], SIDE - kept[:, 1]), axis=1)
    return picture, kept


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return areas


def targets_of(number: int, boxes: Boxes) -> NDArray[np.float32]:
    """Return `boxes` [n, 4] of image `number` as float32 [n, 5]: image, cx, cy, width, height."""
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    image = np.full((len(boxes), 1), number)
    return np.concatenate((image, centres[:, ::-1], sizes[:, ::-1]), axis=1).astype(np.float32)
