"""Figures of the two segmentation services: what counts as right, by hand."""

from typing import Any

import numpy as np
import pytest

from bench.accuracy_instance_segmentation import KINDS, Compared, Kind, average_precision, shares_of
from evaluation.agreement import Agreement
from evaluation.labelled import IGNORED
from evaluation.things import Thing
from export.convert.coco import COCO_CLASSES
from vision.rle import encode

SIDE = 100
IDS = {name: one for one, name in COCO_CLASSES.items()}


def labels(*rows: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    return np.array(rows, dtype=np.intp)


def test_pixels_are_counted_by_class_over_pictures() -> None:
    one = Agreement.of(labels([0, 0, 15], [0, 12, 15]), labels([0, 0, 15], [12, 12, 0]))
    other = Agreement.of(labels([15]), labels([15]))
    both = Agreement.total([one, other])
    assert both.accuracy == pytest.approx(5 / 7)
    assert both.overlaps() == pytest.approx({"background": 2 / 4, "dog": 1 / 2, "person": 2 / 3})


def test_a_class_that_is_nowhere_in_the_truth_is_no_class_of_the_mean() -> None:
    assert Agreement.of(labels([0, 0]), labels([0, 7])).overlaps() == {"background": 0.5}


def test_a_pixel_without_a_label_does_not_count() -> None:
    assert Agreement.of(labels([0, IGNORED, 12]), labels([0, 7, 12])).mean_overlap == 1


def test_pictures_of_two_sizes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="pixels"):
        Agreement.of(labels([0, 0]), labels([0], [0]))


def found(
    name: str, box: list[float], mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]], score: float
) -> dict[str, Any]:
    counts = {"counts": encode(mask).tolist(), "size": list(mask.shape)}
    return {"class_names": name, "classes": IDS[name], "boxes": box, "masks": counts, "scores": score}


def compared(things: list[Thing], *detections: dict[str, Any]) -> Compared:
    answer = {
        f"detection_{field}": [one[field] for one in detections]
        for field in ("class_names", "classes", "boxes", "masks", "scores")
    }
    return Compared(answer, things, (SIDE, SIDE))


def square(start: int, stop: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros((SIDE, SIDE), dtype=np.bool_)
    mask[start:stop, start:stop] = True
    return mask


BOX = (10.0, 10.0, 60.0, 60.0)
DOG_THERE = Thing("dog", BOX, square(10, 60))


def test_a_mask_counts_by_its_overlap_where_class_and_box_match() -> None:
    half = square(10, 60)
    half[:, 35:] = False
    one = compared([DOG_THERE], found("cat", [*BOX], square(10, 60), 0.9), found("dog", [*BOX], half, 0.6))
    assert shares_of(one) == [0.5]
    assert shares_of(compared([DOG_THERE], found("dog", [60.0, 60.0, 90.0, 90.0], half, 0.6))) == [None]


def test_a_thing_has_one_detection_the_surest() -> None:
    good, poor = (
        found("dog", [*BOX], mask, score) for mask, score in ((square(10, 60), 0.9), (square(10, 20), 0.8))
    )
    assert shares_of(compared([DOG_THERE], poor, good)) == [1.0]
    assert shares_of(compared([DOG_THERE, DOG_THERE], poor, good)) == [1.0, pytest.approx(0.04)]


def test_crowds_small_things_and_things_without_an_outline_do_not_count() -> None:
    others = [
        DOG_THERE._replace(is_crowd=True),
        DOG_THERE._replace(mask=None),
        Thing("dog", BOX, square(10, 42)),
    ]
    assert shares_of(compared(others)) == []
    assert shares_of(compared([Thing("dog", BOX, square(10, 43))])) == [None]


@pytest.mark.parametrize("kind", KINDS)
def test_average_precision_is_cocos(kind: Kind) -> None:
    right = compared([DOG_THERE], found("dog", [*BOX], square(10, 60), 0.9))
    assert average_precision([right], kind) == pytest.approx((1, 1))
    wrong = compared([DOG_THERE], found("dog", [70.0, 70.0, 90.0, 90.0], square(70, 90), 0.95))
    strict, loose = average_precision([right, wrong], kind)  # half are found, after a surer one that is wrong
    assert strict == loose == pytest.approx(51 / 101 / 2)
