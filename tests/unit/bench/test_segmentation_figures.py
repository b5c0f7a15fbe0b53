"""Figures of the two segmentation services: what counts as right, by hand."""

import numpy as np
import pytest

from bench.accuracy_instance_segmentation import overlaps
from bench.voc_teacher import labels_of
from evaluation.agreement import Agreement
from evaluation.labelled import IGNORED
from evaluation.teacher import CLASSES, GRID, SIDE
from vision.rle import encode

DOG, PERSON = 12, 15


def labels(*rows: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    return np.array(rows, dtype=np.intp)


def test_pixels_are_counted_by_class_over_pictures() -> None:
    one = Agreement.of(labels([0, 0, 15], [0, 12, 15]), labels([0, 0, 15], [12, 12, 0]))
    other = Agreement.of(labels([15]), labels([15]))
    both = Agreement.total([one, other])
    assert both.accuracy == pytest.approx(5 / 7)
    assert both.overlaps() == pytest.approx({"background": 2 / 4, "dog": 1 / 2, "person": 2 / 3})


def test_a_class_that_the_teacher_does_not_see_is_no_class_of_the_mean() -> None:
    assert Agreement.of(labels([0, 0]), labels([0, 7])).overlaps() == {"background": 0.5}


def test_a_pixel_without_a_label_does_not_count() -> None:
    assert Agreement.of(labels([0, IGNORED, 12]), labels([0, 7, 12])).mean_overlap == 1


def test_pictures_of_two_sizes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="pixels"):
        Agreement.of(labels([0, 0]), labels([0], [0]))


def test_the_teachers_grid_has_its_corners_on_the_pictures() -> None:
    logits = np.zeros((GRID, GRID, CLASSES), dtype=np.float32)
    logits[:, :, PERSON] = np.linspace(-1, 1, GRID)[None]  # 0, where the others are, in the middle
    logits[: GRID // 2, :, PERSON] = -1
    seen = labels_of(logits, SIDE, 2 * SIDE) == PERSON
    assert seen.shape == (SIDE, 2 * SIDE)
    assert not seen[: SIDE // 2 - SIDE // GRID].any()
    assert seen[SIDE // 2 + 1 :, SIDE:].all()
    assert not seen[:, :SIDE].any()


def test_masks_are_compared_in_their_boxes_where_the_teacher_sees_the_thing() -> None:
    teacher = np.zeros((20, 20), dtype=np.intp)
    teacher[5:15, 5:15] = DOG
    ours = np.zeros((20, 20), dtype=bool)
    ours[5:15, 5:10] = True
    answer = {
        "detection_class_names": ["dog", "elephant", "person", "dog"],
        "detection_boxes": [[5.0, 5.0, 15.0, 15.0]] * 3 + [[0.0, 0.0, 20.0, 20.0]],
        "detection_masks": [{"counts": encode(ours).tolist(), "size": [20, 20]}] * 4,
    }
    assert list(overlaps(answer, teacher)) == [0.5, 0.5]


def test_a_mask_beyond_the_teachers_counts_against_it() -> None:
    teacher = np.zeros((20, 20), dtype=np.intp)
    teacher[5:15, 5:10] = DOG
    full = np.ones((20, 20), dtype=bool)
    answer = {
        "detection_class_names": ["dog"],
        "detection_boxes": [[5.0, 5.0, 15.0, 15.0]],
        "detection_masks": [{"counts": encode(full).tolist(), "size": [20, 20]}],
    }
    assert list(overlaps(answer, teacher)) == [0.5]
