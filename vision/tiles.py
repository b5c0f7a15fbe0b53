"""Pictures searched in overlapping tiles, and what several searches found as one answer."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise, product
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from vision.nms import Boxes, Indices, suppress_by_class

Place = tuple[slice, slice]
"""Rows and columns."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def parts(length: int, most: int, shared: int = 0) -> list[slice]:
    """Return stretches of 0..length, none longer than `most`, of which neighbours share `shared`."""
    count = max(1, math.ceil((length - shared) / (most - shared)))
    own = max(0, length - shared)
    ends = [own * index // count for index in range(count + 1)]
    return [slice(start, min(length, stop + shared)) for start, stop in pairwise(ends)]


def places_in(height: int, width: int, side: int, shared: int = 0) -> list[Place]:
    """Return tiles that cover a picture, no side longer than `side`; neighbours share `shared` pixels."""
    return list(product(parts(height, side, shared), parts(width, side, shared)))


def size_of(place: Place) -> tuple[int, int]:
    """Return a place's height and width."""
    rows, columns = place
    return rows.stop - rows.start, columns.stop - columns.start


async def in_turns(
    call: Callable[[Item], Awaitable[Result]], items: Sequence[Item], at_once: int
) -> list[Result]:
    """Return what `call` gives for each of `items`, of which `at_once` are under way together."""
    results: list[Result] = []
    for start in range(0, len(items), at_once):
        results += await asyncio.gather(*map(call, items[start : start + at_once]))
    return results


def cut_off(boxes: Boxes, place: Place, height: int, width: int, reach: float) -> NDArray[np.bool_]:
    """Return which of `boxes` [n, 4] come within `reach` of a border of their tile inside the picture."""
    sides = list(zip(place, (height, width), strict=True))
    starts = np.array([part.start or -np.inf for part, _ in sides])
    stops = np.array([part.stop if part.stop < side else np.inf for part, side in sides])
    near = (boxes[:, :2] < starts + reach) | (boxes[:, 2:] > stops - reach)
    result: NDArray[np.bool_] = near.any(axis=1)
    return result


WHOLE, LARGE, CUT = 0, 1, 2
"""Ranks of boxes: seen whole at the best scale; seen at another, too large for that; cut by a border."""
_MOST_COVERED = 0.5
"""Of a box of a lower rank, by those that stay."""


class Found(NamedTuple):
    """Boxes of several searches, in one frame."""

    boxes: Boxes
    scores: NDArray[np.float32]
    classes: Indices
    ranks: NDArray[np.int_]


def merged(found: Found, max_overlap: float) -> Indices:
    """Return which boxes stay, in falling order of scores.

    Of each class, those seen whole as `suppress_by_class` has it; then the others, rank by rank and by score,
    of which the ones that stay cover no more than half.
    """
    boxes, scores, classes, ranks = found
    whole = np.flatnonzero(ranks == WHOLE)
    chosen = suppress_by_class(boxes[whole], scores[whole], classes[whole], max_overlap, len(whole))
    kept = whole[chosen]
    others = np.lexsort((-scores, ranks))
    for one in others[ranks[others] != WHOLE]:
        alike = kept[classes[kept] == classes[one]]
        if covered(boxes[one], boxes[alike]) <= _MOST_COVERED:
            kept = np.append(kept, one)
    best: Indices = kept[np.argsort(-scores[kept], kind="stable")]
    return best


def covered(box: Boxes, others: Boxes) -> float:
    """Return the share of `box` [4] that `others` [n, 4] cover; what two of them cover counts twice."""
    both = (np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).clip(0)
    return float(both.prod(axis=1).sum() / (box[2:] - box[:2]).prod())
