"""The outline of a mask: corners on the grid between pixels, and the rings that lead through them.

Pixel (row, column) covers row to row + 1 and column to column + 1, so a picture of (height, width) has grid
lines 0 to height and 0 to width. All of this looks at runs of pixels, never at pixels: it takes as long as
the outline, not as the picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from vision.rle import Counts

Points = NDArray[np.int32]
"""[n, 2]: (y, x) on the grid, y from 0 to height, x from 0 to width."""


@dataclass(frozen=True)
class Corners:
    """Where an outline turns, along each horizontal grid line from the left, line by line from the top.

    Corner 2k and corner 2k + 1 are the ends of one horizontal edge. Where two pixels of the mask touch at a
    corner alone, it stands here twice: it ends one edge and begins the next.
    """

    points: Points
    inside_below: NDArray[np.bool_]
    """[n], of the horizontal edge of each corner: whether the mask lies below it, not above."""
    falling: NDArray[np.bool_]
    """[n]: a corner that stands twice, where the mask's two pixels are the upper right and the lower left."""


def corners(counts: Counts, size: tuple[int, int]) -> Corners:
    """Return the corners of the mask with run lengths `counts` (`vision.rle`) and `size`, (height, width)."""
    stride = size[1] + 1
    rows, columns = _row_flips(counts, size[1])
    enters = np.arange(len(rows)) % 2 == 0
    # What begins or ends in a row does so on the grid line above it, and on the one below it.
    keys = np.concatenate([rows * stride + columns, (rows + 1) * stride + columns])
    below_enters = np.concatenate([enters, ~enters])  # to enter below looks like leaving above
    order = np.argsort(keys, kind="stable")
    keys, below_enters = keys[order], below_enters[order]
    twice = np.zeros(len(keys) + 1, dtype=np.bool_)
    twice[1:-1] = keys[1:] == keys[:-1]
    is_second, is_first = twice[:-1], twice[1:]
    alike = np.zeros(len(keys), dtype=np.bool_)
    pairs = np.flatnonzero(is_first)
    alike[pairs] = alike[pairs + 1] = below_enters[pairs] == below_enters[pairs + 1]
    kept = ~(is_first | is_second) | alike  # of a straight vertical line one row enters as the other leaves
    keys, below_enters, touching = keys[kept], below_enters[kept], alike[kept]
    points = np.stack(np.divmod(keys, stride), axis=1).astype(np.int32)
    return Corners(points, below_enters[0::2].repeat(2), touching & ~below_enters)


def rings(counts: Counts, size: tuple[int, int]) -> list[Points]:
    """Return the rings of the outline, each a list of corners which does not repeat its first one at its end.

    A ring begins at its topmost corner, of several the leftmost, and goes so that the mask is at its right
    hand: clockwise round the mask, anticlockwise round a hole. Its edges are horizontal and vertical in
    turn. Rings are in the order of their first corners. Pixels of the mask that touch at a corner alone are
    not connected there; holes are. An empty mask has no rings.
    """
    found = corners(counts, size)
    if not len(found.points):
        return []
    ahead = _next(found)
    order, lengths = _cycles(ahead)
    return np.split(found.points[order], np.cumsum(lengths)[:-1])


def _row_flips(counts: Counts, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column of where each run within one row begins, ends, the next one begins, and so on."""
    ends = np.cumsum(counts, dtype=np.intp)
    begin, end = ends[: len(ends) // 2 * 2 : 2], ends[1::2]
    first, last = begin // width, (end - 1) // width
    pieces = last - first + 1
    run = np.arange(len(begin)).repeat(pieces)
    row = first[run] + np.arange(len(run)) - (np.cumsum(pieces) - pieces)[run]
    columns = np.stack(
        [
            np.where(row == first[run], begin[run] - row * width, 0),
            np.where(row == last[run], end[run] - row * width, width),
        ],
        axis=1,
    )
    return row.repeat(2), columns.ravel()


def _next(found: Corners) -> NDArray[np.intp]:
    """Return, for each corner, the index of the one that follows it on its ring."""
    number = len(found.points)
    across = np.arange(number) ^ 1
    y, x = found.points.T
    # Of two corners at one place the first in a column ends the edge above it.
    order = np.lexsort((_ranks(found.falling), y, x))
    down = np.empty(number, dtype=np.intp)
    down[order[0::2]], down[order[1::2]] = order[1::2], order[0::2]
    is_left = np.arange(number) % 2 == 0
    following: NDArray[np.intp] = np.where(is_left == found.inside_below, across, down)
    return following


def _ranks(falling: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return ranks that rise with the index, but for the two of a `falling` corner, which change places."""
    rank = np.arange(len(falling))
    firsts = np.flatnonzero(falling)[0::2]
    rank[firsts], rank[firsts + 1] = firsts + 1, firsts
    return rank


def _cycles(ahead: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the cycles of the permutation `ahead`, one after another, and their lengths.

    Each from its lowest index on, and in the order of these.
    """
    number = len(ahead)
    _, labels = connected_components(_graph(ahead), directed=True, connection="strong")
    _, lowest, lengths = np.unique(labels, return_index=True, return_counts=True)
    by_lowest = np.argsort(lowest)
    begins = lowest[by_lowest]
    before = np.empty(number, dtype=np.intp)
    before[ahead] = np.arange(number)
    path = ahead.copy()  # from the end of each cycle to the beginning of the next one
    path[before[begins]] = np.roll(begins, -1)
    order = breadth_first_order(_graph(path), begins[0], directed=True, return_predecessors=False)
    return order, lengths[by_lowest]


def _graph(ahead: NDArray[np.intp]) -> csr_array:
    number = len(ahead)
    return csr_array((np.ones(number, dtype=np.int8), ahead, np.arange(number + 1)), shape=(number, number))
