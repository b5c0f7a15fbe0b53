"""Random parts of photos."""

import numpy as np

SMALLEST_CROP = 0.45
"""Of the photo's height and width."""


def random_crop(size: tuple[int, int], random: np.random.Generator) -> tuple[float, float, float, float]:
    """Return a random (left, top, right, bottom) in a picture of `size`, with a share of its sides."""
    shares = random.uniform(SMALLEST_CROP, 1) * random.uniform(0.85, 1, 2)
    width, height = np.array(size) * shares
    left, top = random.uniform(0, 1, 2) * (np.array(size) - (width, height))
    return float(left), float(top), float(left + width), float(top + height)
