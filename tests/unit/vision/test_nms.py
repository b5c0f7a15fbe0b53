"""Suppression against a reference that compares every box with every other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vision.nms import overlaps, suppress, suppress_by_class

Boxes = NDArray[np.float32]
Scores = NDArray[np.float32]


@st.composite
def detections(draw: st.DrawFn) -> tuple[Boxes, Scores, NDArray[np.intp]]:
    """Boxes on a coarse grid, so that many overlap, some are equal and some empty; scores with ties."""
    count = draw(st.integers(0, 25))
    numbers = st.lists(st.integers(0, 9), min_size=5 * count, max_size=5 * count)
    table = np.array(draw(numbers), dtype=np.float32).reshape(count, 5)
    corners = np.sort(table[:, :4].reshape(count, 2, 2), axis=1).reshape(count, 4)
    classes = np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)), dtype=np.intp)
    return corners, table[:, 4] / 10, classes


def naive_overlap(one: Boxes, other: Boxes) -> float:
    def area(box: Boxes) -> float:
        return float(max(0, box[2] - box[0]) * max(0, box[3] - box[1]))

    both = area(np.array([*np.maximum(one[:2], other[:2]), *np.minimum(one[2:], other[2:])]))
    either = area(one) + area(other) - both
    return both / either if either > 0 else 0.0


def naive_suppression(boxes: Boxes, scores: Scores, max_overlap: float, limit: int) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        if all(naive_overlap(boxes[index], boxes[other]) <= max_overlap for other in kept):
            kept.append(index)
    return kept[:limit]


@given(detections(), st.sampled_from([0.0, 0.3, 0.55, 1.0]), st.integers(1, 30))
def test_it_keeps_what_the_reference_keeps(
    found: tuple[Boxes, Scores, NDArray[np.intp]], max_overlap: float, limit: int
) -> None:
    boxes, scores, _ = found
    kept = suppress(boxes, scores, max_overlap, limit)
    assert kept.tolist() == naive_suppression(boxes, scores, max_overlap, limit)
    assert kept.dtype == np.intp


@given(detections(), st.sampled_from([0.0, 0.3, 0.55]), st.integers(1, 5))
def test_classes_do_not_suppress_each_other(
    found: tuple[Boxes, Scores, NDArray[np.intp]], max_overlap: float, limit: int
) -> None:
    boxes, scores, classes = found
    expected = [
        members[index]
        for members in (np.flatnonzero(classes == one) for one in range(4))
        for index in naive_suppression(boxes[members], scores[members], max_overlap, limit)
    ]
    kept = suppress_by_class(boxes, scores, classes, max_overlap, limit)
    assert kept.tolist() == sorted(expected, key=lambda index: (-scores[index], classes[index], index))


@given(detections())
def test_overlap_is_intersection_over_union(found: tuple[Boxes, Scores, NDArray[np.intp]]) -> None:
    boxes, _, _ = found
    for box in boxes:
        expected = [naive_overlap(box, other) for other in boxes]
        np.testing.assert_allclose(overlaps(box, boxes), expected, rtol=1e-6, atol=1e-9)


def test_an_overlap_of_exactly_the_bound_stays() -> None:
    boxes = np.array([[0, 0, 2, 2], [0, 0, 1, 2]], dtype=np.float32)
    scores = np.array([0.9, 0.8], dtype=np.float32)
    assert suppress(boxes, scores, 0.5, 10).tolist() == [0, 1]
    assert suppress(boxes, scores, 0.49, 10).tolist() == [0]


@pytest.mark.parametrize("limit", [1, 100])
def test_of_no_boxes_none_stay(limit: int) -> None:
    nothing = np.zeros((0, 4), dtype=np.float32)
    none = suppress_by_class(nothing, nothing[:, 0], np.zeros(0, dtype=np.intp), 0.5, limit)
    assert none.shape == (0,)
    assert none.dtype == np.intp
