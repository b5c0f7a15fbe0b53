"""Masks of things in boxes: from a net's small maps to the picture's pixels.

A pixel belongs to a box if its centre lies in it. A box of less than a pixel may hold no centre and so have
no pixels.
"""

import numpy as np
from numpy.typing import NDArray

from vision.rle import Counts, counts_of_flips

Box = NDArray[np.float32] | NDArray[np.float64]
"""[4]: top, left, bottom, right, in pixels of a picture; pixel k reaches from k to k + 1."""


def pixels_within(box: Box, height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns of a picture of that size whose pixels' centres lie in `box`."""
    top, left, bottom, right = np.ceil(np.asarray(box, dtype=np.float64) - 0.5).tolist()
    return _clipped(top, bottom, height), _clipped(left, right, width)


def paste(
    mask_probs: NDArray[np.float32], region: Box, box: Box, size: tuple[int, int], threshold: float
) -> Counts:
    """Return the RLE of the mask of a picture of `size`, (height, width), that a map shows within `box`.

    `mask_probs` [h, w], h and w > 1, covers `region`, and is enlarged to it bilinearly from the centres of
    its cells. Pixels of the box where it exceeds `threshold` are True, all others False.

    No pixel is looked at: along a row of the picture the enlarged map is a line between every two of the
    map's columns, and where this line crosses the threshold a run begins or ends.
    """
    height, width = size
    rows, columns = pixels_within(box, height, width)
    top, left, bottom, right = np.asarray(region, dtype=np.float64).tolist()
    lines = _rows_of(mask_probs, np.arange(rows.start, rows.stop) + 0.5, top, bottom) - threshold
    where, crossings = _crossings(lines)
    step = (right - left) / mask_probs.shape[1]
    centres = left + (crossings + 0.5) * step
    flips = np.ceil(centres - 0.5).clip(columns.start, columns.stop)
    return counts_of_flips(((where + rows.start) * width + flips).astype(np.intp), height * width)


def _clipped(start: float, stop: float, side: int) -> slice:
    first = int(min(max(start, 0), side))
    return slice(first, int(min(max(stop, first), side)))


def _rows_of(
    mask_probs: NDArray[np.float32], centres: NDArray[np.float64], top: float, bottom: float
) -> NDArray[np.float64]:
    """Return the map's values at rows `centres` of the picture, float64 [n, w]."""
    last = len(mask_probs) - 1
    position = ((centres - top) / (bottom - top) * len(mask_probs) - 0.5).clip(0, last)
    above = np.minimum(position.astype(np.intp), last - 1)
    share = (position - above)[:, None]
    values: NDArray[np.float64] = mask_probs[above] * (1 - share) + mask_probs[above + 1] * share
    return values


def _crossings(lines: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return in which rows of `lines` [n, w], and where between their columns, what is over 0 begins or ends.

    In rising order. Before the first column and after the last a line goes on as it is: what is over 0 there
    begins or ends at minus or plus infinity.
    """
    inside = np.pad(lines > 0, ((0, 0), (1, 1)))
    rows, gaps = np.nonzero(inside[:, 1:] != inside[:, :-1])
    last = lines.shape[1] - 1
    before, after = lines[rows, (gaps - 1).clip(0)], lines[rows, gaps.clip(0, last)]
    between = (gaps > 0) & (gaps <= last)
    share = np.divide(before, before - after, out=np.zeros_like(before), where=between)
    edge = np.where(gaps == 0, -np.inf, np.inf)
    return rows, np.where(between, gaps - 1 + share, edge)
