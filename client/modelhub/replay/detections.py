"""Which detection of one answer is which of the other's."""

import numpy as np
from numpy.typing import NDArray

from modelhub.replay.measures import MATCH_IOU

Boxes = NDArray[np.float64]
"""[n, 4]: top, left, bottom, right."""

Matches = NDArray[np.int64]
"""[m, 2]: an index into either side's detections; none occurs twice in its column."""


def overlaps(ours: Boxes, theirs: Boxes) -> NDArray[np.float64]:
    """Return intersection over union of each of n boxes with each of m, [n, m].

    Boxes without area overlap by 1 where they are the same, else by 0.
    """
    top_left = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    bottom_right = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    shared = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (ours, theirs)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    same: NDArray[np.float64] = (ours[:, None] == theirs[None]).all(axis=2).astype(np.float64)
    np.divide(shared, union, out=same, where=union > 0)
    return same


def match(
    ours: Boxes, theirs: Boxes, names: tuple[tuple[str, ...], tuple[str, ...]] | None = None
) -> Matches:
    """Return the pairs of detections that are the same thing: the best overlap first, none below MATCH_IOU.

    Where `names` says what each is, all pairs of one name come before all of two: what overlaps and is called
    otherwise is matched only with what is left. Swapping the sides swaps the columns and nothing else.
    """
    overlap = overlaps(ours, theirs)
    pairs = np.argwhere(overlap >= MATCH_IOU)
    other_name = np.zeros(len(pairs), dtype=bool)
    if names is not None:
        other_name = np.array([names[0][one] != names[1][two] for one, two in pairs], dtype=bool)
    # Equal overlaps are taken in an order in which the two sides play the same part.
    ranks = (abs(pairs[:, 0] - pairs[:, 1]), pairs.sum(axis=1), -overlap[tuple(pairs.T)], other_name)
    taken: tuple[set[int], set[int]] = (set(), set())
    chosen = []
    for one, two in pairs[np.lexsort(ranks)].tolist():
        if one not in taken[0] and two not in taken[1]:
            chosen.append((one, two))
            taken[0].add(one)
            taken[1].add(two)
    return np.array(sorted(chosen), dtype=np.int64).reshape(-1, 2)


def bounds(keypoints: NDArray[np.float64]) -> Boxes:
    """Return the upright boxes round corners [n, corners, 2], (y, x)."""
    return np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1)
