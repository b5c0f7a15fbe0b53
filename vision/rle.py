"""Run-length encoding of masks: how many pixels in a row are False, then True, then False, and so on.

The order is row by row, the first count is that of False and may be 0; no other count is. That is not the
order of COCO's tools, which go column by column. What they read is

    pycocotools.mask.encode(np.asfortranarray(
        (np.arange(len(counts)) % 2).repeat(counts).reshape(size).astype(np.uint8)))
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int32]
"""int32 [n], n > 0; their sum is height * width."""

Mask = NDArray[np.bool_]
"""[height, width] of a picture."""


def encode(mask: Mask) -> Counts:
    """Return the counts of `mask`."""
    flat = np.zeros(mask.size + 1, dtype=np.bool_)
    flat[1:] = mask.ravel()
    return counts_of_flips(np.flatnonzero(flat[1:] != flat[:-1]), mask.size)


def decode(counts: Counts, size: tuple[int, ...]) -> Mask:
    """Return the mask of `size`, (height, width); raises ValueError where `counts` are of another size."""
    pixels: Mask = (np.arange(len(counts)) % 2 == 1).repeat(counts)
    return pixels.reshape(size)


def counts_of_flips(flips: NDArray[np.intp], pixels: int) -> Counts:
    """Return the counts of a mask of `pixels` that is False before the first of `flips` and changes at each.

    `flips` are pixels in rising order, from 0 to `pixels`. Where two are equal they undo each other: a run
    of no length, or two runs that touch.
    """
    places, times = np.unique(flips, return_counts=True)
    places = places[(times % 2 == 1) & (places < pixels)]
    return np.diff(places, prepend=0, append=pixels).astype(np.int32)
