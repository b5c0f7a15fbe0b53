"""Greedy non-maximum suppression: of boxes that overlap, the one with the best score stays."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""float32 [n, 4] of (top, left, bottom, right); any unit and frame."""

Indices = NDArray[np.intp]


def overlaps(box: Boxes, others: Boxes) -> NDArray[np.float32]:
    """Return intersection over union of `box` [4] with each of `others` [n, 4]; 0 where both are empty."""
    both = _areas(
        np.concatenate([np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])], axis=1)
    )
    either = _areas(box[None]) + _areas(others) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def suppress(boxes: Boxes, scores: NDArray[np.float32], max_overlap: float, limit: int) -> Indices:
    """Return which of `boxes` [n, 4] stay, at most `limit`, in falling order of `scores` [n].

    A box goes if it overlaps a better one that stays by more than `max_overlap`. Of equal scores the first is
    better.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[np.intp] = []
    while waiting.size and len(kept) < limit:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        waiting = waiting[overlaps(boxes[best], boxes[waiting]) <= max_overlap]
    return np.array(kept, dtype=np.intp)


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


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1)
    return areas
