"""Which of a teacher's pixels are the mask of a detection: one rule for training and for measuring.

The teacher names a Pascal VOC class for each pixel and knows no instances; the detector finds things of
COCO's classes. Where a class of one is a class of the other, the teacher's pixels of that class within the
box are taken for the thing's mask. Imports nothing but NumPy, so that every environment can.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vision.masks import Box, pixels_within

VOC_OF_COCO: Mapping[str, int] = MappingProxyType(
    {
        "airplane": 1,
        "bicycle": 2,
        "bird": 3,
        "boat": 4,
        "bottle": 5,
        "bus": 6,
        "car": 7,
        "cat": 8,
        "chair": 9,
        "cow": 10,
        "dining table": 11,
        "dog": 12,
        "horse": 13,
        "motorcycle": 14,
        "person": 15,
        "potted plant": 16,
        "sheep": 17,
        "couch": 18,
        "train": 19,
        "tv": 20,
    }
)
"""Pascal VOC's class id by COCO's class name: all twenty have a counterpart."""

MIN_SHARE = 0.05
"""Of a box's pixels: where the teacher sees the class on fewer, it does not see the thing."""


def teacher_mask(labels: NDArray[np.intp], box: Box, name: str) -> NDArray[np.bool_] | None:
    """Return the mask of the thing `name` (COCO's) in `box`, [rows, columns] of `pixels_within` the box.

    `labels` [height, width] are the teacher's class ids of a picture, `box` [4] is (top, left, bottom, right)
    in its pixels. None where VOC has no such class, or the teacher sees it on less than `MIN_SHARE` of the
    box.
    """
    if name not in VOC_OF_COCO:
        return None
    inside: NDArray[np.bool_] = labels[pixels_within(box, *labels.shape)] == VOC_OF_COCO[name]
    return inside if inside.size and inside.mean() >= MIN_SHARE else None
