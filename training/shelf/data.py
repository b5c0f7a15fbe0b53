"""What both trainings see of a drawn shelf: `python -m training.shelf.data FIRST LAST` draws ahead of them.

A shelf is drawn once and kept: letterboxed as the detector is fed, and as crops cut as the classifier is fed,
around boxes that are off by as much as a detector's are.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.shelves.renderer import FIRST_EVALUATION_SEED, Shelf, render_shelf
from export.convert.shelf_settings import CLASSIFICATION, DETECTION
from training.files import work_folder
from vision.letterbox import letterbox
from vision.nms import Boxes
from vision.regions import cut_regions
from vision.tensors import Picture

CROPS_PER_PRODUCT = 3
"""Crops kept of one product on one shelf: the tenth bottle of a run teaches little."""
BOX_ERROR = 0.04
"""Standard deviation of a side of a crop's box, as a share of the box."""
WORST_ERROR = 0.1

Arrays = dict[str, NDArray[Any]]


def shelf_pixels(seed: int) -> tuple[Picture, Boxes]:
    """Return shelf `seed` letterboxed, uint8 [640, 640, 3], and its drinks' boxes in that, float32 [n, 4].

    A box is (top, left, bottom, right). What is not kept yet is drawn.
    Raises ValueError for seeds of evaluation.
    """
    with np.load(_kept(seed)) as arrays:
        return arrays["pixels"], arrays["boxes"]


def shelf_crops(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return some drinks of shelf `seed`, uint8 [k, 96, 96, 3], and their classes [k].

    Raises as `shelf_pixels`.
    """
    with np.load(_kept(seed)) as arrays:
        return arrays["crops"], arrays["classes"]


def _kept(seed: int) -> Path:
    """Return the file of shelf `seed`, drawn now if need be."""
    if not 0 <= seed < FIRST_EVALUATION_SEED:
        raise ValueError(f"seed {seed} is kept for evaluation")
    path = work_folder("shelf-lessons") / f"{seed}.npz"
    if not path.exists():
        _keep(_drawn(seed), path)
    return path


def _drawn(seed: int) -> Arrays:
    shelf, rng = render_shelf(seed), np.random.default_rng((seed, 1))
    pixels, place = letterbox(Image.fromarray(shelf.picture), DETECTION.size, DETECTION.padding)
    boxes = place.to_square(shelf.boxes)
    chosen, side = _few_of_each(shelf, rng), CLASSIFICATION.size
    crops = cut_regions(shelf.picture, jittered(shelf.boxes[chosen], rng), side, side)
    return {"pixels": pixels, "boxes": boxes, "crops": crops, "classes": shelf.classes[chosen]}


def _few_of_each(shelf: Shelf, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return which drinks are cut out: at most CROPS_PER_PRODUCT of each product."""
    order = rng.permutation(len(shelf.classes))
    kept = [order[shelf.classes[order] == one][:CROPS_PER_PRODUCT] for one in np.unique(shelf.classes)]
    return np.concatenate(kept)


def jittered(boxes: Boxes, rng: np.random.Generator) -> Boxes:
    """Return `boxes` [n, 4] with every side moved by at most WORST_ERROR of the box's size."""
    sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    errors = rng.normal(0, BOX_ERROR, boxes.shape).clip(-WORST_ERROR, WORST_ERROR)
    return (boxes + sizes * errors).astype(np.float32)


def _keep(made: Arrays, path: Path) -> None:
    """Write a lesson so that whoever else draws the same one never reads half of it."""
    draft = path.with_suffix(f".{np.random.default_rng().integers(1 << 40)}.draft")
    with draft.open("wb") as file:
        np.savez(file, **made)
    draft.replace(path)


if __name__ == "__main__":
    for number in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
        _kept(number)
