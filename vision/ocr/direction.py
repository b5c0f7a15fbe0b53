"""Which way the lines of a page are read: what they say together comes before what one says alone.

A direction is a number of quarter turns to the left that make a line upright: 0 for a line that stands as
the picture does, 1 for one that is read downwards, 2 for one on its head, 3 for one that is read upwards.
Lines of directions 0 and 2 lie across, those of 1 and 3 stand.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vision.ocr.ctc import Line
from vision.ocr.settings import AngleSettings

HALF = 2
"""Quarters that turn a line upside down."""

Sizes = NDArray[np.int_]
"""[lines, 2], width and height of each box, pixels."""


def standing(sizes: Sizes, settings: AngleSettings) -> NDArray[np.bool_]:
    """Return which lines stand: what their own shape says, or that of the others where it says nothing."""
    ratio: NDArray[np.float64] = sizes[:, 1] / sizes[:, 0]
    high, wide = ratio >= settings.turn_ratio, ratio <= 1 / settings.turn_ratio
    most_stand = _letters(sizes[high]) > _letters(sizes[wide])
    stands: NDArray[np.bool_] = high | (~wide & most_stand)
    return stands


def _letters(sizes: Sizes) -> float:
    """Return about how many letters stand in boxes: how often their shorter sides fit into their longer."""
    return float((sizes.max(axis=1) / sizes.min(axis=1)).sum())


def may_stand_or_lie(sizes: Sizes, settings: AngleSettings) -> NDArray[np.bool_]:
    """Return which lines are so short that their shape is no proof of whether they stand."""
    short: NDArray[np.bool_] = sizes.max(axis=1) < settings.short_ratio * sizes.min(axis=1)
    return short


def share_upside_down(probs: NDArray[np.float32], sizes: Sizes, settings: AngleSettings) -> float:
    """Return the part of the lines that the angle net holds for upside down, from 0 to 1, by length.

    A single long line has no more weight than a line of `vote_letters`.
    """
    weights = np.minimum(sizes.max(axis=1) / sizes.min(axis=1), settings.vote_letters)
    return float((weights * (probs > 0.5)).sum() / weights.sum())


def witnesses(sizes: Sizes, settings: AngleSettings) -> list[int]:
    """Return which lines are read both ways where the angle net gives no clear vote.

    They are those that cost least of those that are long enough.
    """
    letters = sizes.max(axis=1) / sizes.min(axis=1)
    order = np.argsort(abs(letters - settings.vote_letters), kind="stable")
    return [int(index) for index in order[: settings.witnesses]]


def surest(readings: Mapping[int, Line], first: int, settings: AngleSettings) -> int:
    """Return the direction of the readings of a line by which it is read; `first` is that of its page.

    Another one must be surer by a margin, which is wider for few letters: many of them are others when they
    are turned, and digits are, and both are read as surely.
    """

    def gain(direction: int) -> float:
        line = readings[direction]
        is_short = sum(map(str.isalpha, line.text)) < settings.short_text
        margin = settings.short_margin if is_short else settings.margin
        return line.score - readings[first].score - margin if direction != first else 0.0

    return max(readings, key=gain)
