"""Masks in the forms that answers give them in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""[height, width] of the upright picture."""


def decode(counts: Sequence[int], size: Sequence[int]) -> Mask:
    """Return the mask of `size`, (height, width), from run lengths row by row, that of False first.

    Raises ValueError where the lengths do not add up to the size.
    """
    pixels: Mask = (np.arange(len(counts)) % 2 == 1).repeat(counts)
    return pixels.reshape(tuple(size))
