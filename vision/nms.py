"""Greedy non-maximum suppression: of boxes that overlap, the one with the best score stays."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""float32 [n, 4] of (top, left, bottom, right); any unit and frame."""

Indices = NDArray[np.intp]


def overlaps(box: Boxes, others: Boxes) -> NDArray[np.float32]:
    """Return intersection over union of `box` [4] with each of `others` [n, 4]; 0 where both are empty."""
    return _overlaps(box[:, None], others.T)


def suppress(boxes: Boxes, scores: NDArray[np.float32], max_overlap: float, limit: int) -> Indices:
    """Return which of `boxes` [n, 4] stay, at most `limit`, in falling order of `scores` [n].

    A box goes if it overlaps a better one that stays by more than `max_overlap`. Of equal scores the first is
    better. A box is compared with those alone that share rows with it, so that thousands take milliseconds.
    """
    by_top = np.argsort(boxes[:, 0], kind="stable")
    place = np.argsort(by_top)
    sides = np.ascontiguousarray(boxes[by_top].T)
    starts, stops = _sharing_rows(sides)
    waiting = np.ones(len(boxes), dtype=np.bool_)
    kept: list[int] = []
    for best in place[np.argsort(-scores, kind="stable")].tolist():
        if len(kept) == limit:
            break
        if waiting[best]:
            kept.append(best)
            near = slice(starts[best], stops[best])
            waiting[near] &= _overlaps(sides[:, best, None], sides[:, near]) <= max_overlap
    return by_top[np.array(kept, dtype=np.intp)]


def suppress_by_class(
    boxes: Boxes, scores: NDArray[np.float32], classes: NDArray[np.intp], max_overlap: float, limit: int
) -> Indices:
    """Return which of `boxes` [n, 4] stay when each class is suppressed by itself, at most `limit` of each.

    They come in falling order of `scores` [n]; of equal scores the lower of `classes` [n] comes first.
    """
    kept = [np.zeros(0, dtype=np.intp)]
    for members in (np.flatnonzero(classes == one) for one in np.unique(classes)):
        kept.append(members[suppress(boxes[members], scores[members], max_overlap, limit)])
    together = np.concatenate(kept)
    return together[np.argsort(-scores[together], kind="stable")]


def _sharing_rows(sides: NDArray[np.float32]) -> tuple[Indices, Indices]:
    """Return the first and one past the last that each column of `sides` [4, n], sorted by top, may meet."""
    tops, bottoms = sides[[0, 2]].astype(np.float64)
    highest = (bottoms - tops).max(initial=0.0)
    return np.searchsorted(tops, tops - highest), np.searchsorted(tops, bottoms)


def _overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union of `box` [4, 1] with each column of `others` [4, n]."""
    both = _areas(np.minimum(box[2:], others[2:]) - np.maximum(box[:2], others[:2]))
    either = _areas(box[2:] - box[:2]) + _areas(others[2:] - others[:2]) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _areas(sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the products of the columns of `sizes` [2, n]; a negative side counts as none."""
    height, width = sizes.clip(0)
    area: NDArray[np.float32] = height * width
    return area
