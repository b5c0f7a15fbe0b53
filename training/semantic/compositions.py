"""Pictures put together of several photos: what the teacher says of things in other surroundings.

Where it finds one of its classes in a thing that is none is what a student learns last from 600 photos;
each composition asks it once more.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from training.semantic.crops import random_crop

_CHANGES = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_LARGEST_CHANGE = 0.4
_HALVES, _INSET, _QUARTERS = 0.35, 0.6, 0.75
"""Up to which share of all compositions each kind goes; the rest are single photos, turned a little."""
_LARGEST_TURN = 12.0
"""Degrees."""


def composition(
    photos: Sequence[Path], odds: NDArray[np.float64], side: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Return uint8 RGB [side, side, 3] of random crops of photos drawn by `odds`, their colours changed."""

    def piece() -> Image.Image:
        return _piece(photos[random.choice(len(photos), p=odds)], random)

    kind = random.random()
    if kind < _HALVES:
        boxes = _halves(side, random)
    elif kind < _INSET:
        boxes = _inset(side, random)
    elif kind < _QUARTERS:
        boxes = _quarters(side)
    else:
        turn = random.uniform(-_LARGEST_TURN, _LARGEST_TURN)
        picture = piece().rotate(turn, Image.Resampling.BILINEAR)
        return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))
    canvas = Image.new("RGB", (side, side))
    for left, top, right, bottom in boxes:
        part = piece().resize((right - left, bottom - top), Image.Resampling.BILINEAR)
        canvas.paste(part, (left, top))
    return np.asarray(canvas)


Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the composition; a later one covers an earlier."""


def _halves(side: int, random: np.random.Generator) -> list[Box]:
    cut = int(side * random.uniform(0.35, 0.65))
    if random.random() < 0.5:
        return [(0, 0, cut, side), (cut, 0, side, side)]
    return [(0, 0, side, cut), (0, cut, side, side)]


def _inset(side: int, random: np.random.Generator) -> list[Box]:
    width, height = (side * random.uniform(0.4, 0.8, 2)).astype(int).tolist()
    left, top = int(random.integers(side - width + 1)), int(random.integers(side - height + 1))
    return [(0, 0, side, side), (left, top, left + width, top + height)]


def _quarters(side: int) -> list[Box]:
    half = side // 2
    ends = ((0, half), (half, side))
    return [(left, top, right, bottom) for top, bottom in ends for left, right in ends]


def _piece(photo: Path, random: np.random.Generator) -> Image.Image:
    picture = Image.open(photo).convert("RGB")
    picture = picture.crop(random_crop(picture.size, random))
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for change in _CHANGES:
        picture = change(picture).enhance(random.uniform(1 - _LARGEST_CHANGE, 1 + _LARGEST_CHANGE))
    return picture
