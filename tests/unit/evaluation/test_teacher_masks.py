"""Which of the teacher's pixels count as a detection's mask."""

import numpy as np
import pytest

from evaluation.teacher_masks import MIN_SHARE, VOC_OF_COCO, teacher_mask
from export.convert.coco import COCO_CLASSES

DOG, PERSON = VOC_OF_COCO["dog"], VOC_OF_COCO["person"]
BOX = np.array([2.0, 3.0, 12.0, 13.0])


def test_every_class_of_voc_is_a_class_of_coco() -> None:
    assert sorted(VOC_OF_COCO.values()) == list(range(1, 21))
    assert set(VOC_OF_COCO) <= set(COCO_CLASSES.values())


def test_the_mask_is_the_teachers_class_within_the_box() -> None:
    labels = np.zeros((20, 30), dtype=np.intp)
    labels[:8, :6] = DOG
    labels[8:, :] = PERSON
    mask = teacher_mask(labels, BOX, "dog")
    assert mask is not None
    assert np.array_equal(mask, labels[2:12, 3:13] == DOG)
    assert mask.sum() == 18


@pytest.mark.parametrize(("pixels", "seen"), [(5, True), (4, False), (0, False)])
def test_too_few_pixels_are_no_mask(pixels: int, seen: bool) -> None:
    labels = np.zeros((20, 30), dtype=np.intp)
    labels[5, 3 : 3 + pixels] = DOG
    assert (pixels / 100 >= MIN_SHARE) == seen
    assert (teacher_mask(labels, BOX, "dog") is not None) == seen


def test_a_class_that_the_teacher_does_not_know_has_no_mask() -> None:
    assert teacher_mask(np.full((20, 30), DOG, dtype=np.intp), BOX, "elephant") is None


def test_a_box_without_pixels_has_no_mask() -> None:
    labels = np.full((20, 30), DOG, dtype=np.intp)
    assert teacher_mask(labels, np.array([3.6, 3.6, 3.9, 3.9]), "dog") is None
