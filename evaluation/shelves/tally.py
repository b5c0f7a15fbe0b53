"""How an answer compares with what is on a drawn shelf, and the figures of many shelves beside their bars."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import linear_sum_assignment

from evaluation.figure import Figure, at_least, at_most
from evaluation.picture_files import encoded
from evaluation.shelves.renderer import Shelf
from vision.nms import Boxes, overlaps
from vision.tensors import Tensors

SHELVES = 60
LEAST_OVERLAP = 0.5
"""Intersection over union from which a box counts as found."""
LEAST_RECALL, WORST_COUNT_ERROR, LEAST_ACCURACY = 0.97, 0.03, 0.95


class Tally(NamedTuple):
    """One shelf: drinks on it, boxes answered, drinks found, and drinks found and named rightly."""

    there: int
    answered: int
    found: int
    named: int


def shelf_file(shelf: Shelf) -> bytes:
    """Return the picture of a shelf as a PNG file."""
    return encoded(Image.fromarray(shelf.picture), "PNG", compress_level=1)


def tally(answer: Tensors, shelf: Shelf) -> Tally:
    """Return how an answer compares with what is there; every box answers for one drink at most."""
    there, boxes = pairs(shelf.boxes, answer["detection_boxes"])
    named = int((shelf.classes[there] == answer["detection_classes"][boxes]).sum())
    return Tally(len(shelf.boxes), len(answer["detection_boxes"]), len(there), named)


def pairs(ours: Boxes, theirs: Boxes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of `ours` [n, 4] and which of `theirs` [m, 4] go together, one to one."""
    overlap = np.array([overlaps(box, theirs) for box in ours]).reshape(len(ours), len(theirs))
    overlap[overlap < LEAST_OVERLAP] = 0
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    together = overlap[rows, columns] > 0
    return rows[together], columns[together]


def measures(tallies: Sequence[Tally]) -> tuple[float, float, float]:
    """Return recall and SKU accuracy over all drinks, and between them the mean count error of a shelf."""
    there, answered, found, named = np.array(tallies, dtype=np.float64).T
    recall, accuracy = found.sum() / there.sum(), named.sum() / found.sum()
    return float(recall), float(np.mean(np.abs(answered - there) / there)), float(accuracy)


def figures(tallies: Sequence[Tally]) -> Iterator[Figure]:
    """Yield the figures of shelves beside their bars."""
    recall, error, accuracy = measures(tallies)
    count = f"{len(tallies)} shelves"
    yield at_least(f"shelf: products found at IoU 0.5, {count}", recall, LEAST_RECALL, f"{recall:.4f}")
    yield at_most(f"shelf: count error of a shelf, {count}", error, WORST_COUNT_ERROR, f"{error:.4f}")
    yield at_least(f"shelf: products named rightly, {count}", accuracy, LEAST_ACCURACY, f"{accuracy:.4f}")
