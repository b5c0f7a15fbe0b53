"""How answers are compared with what is on a shelf."""

import numpy as np
import pytest

from evaluation.shelves.renderer import Shelf
from evaluation.shelves.tally import Tally, measures, pairs, tally

THERE = np.array([[0, 0, 10, 10], [0, 20, 10, 30], [0, 40, 10, 50]], dtype=np.float32)


def test_every_box_answers_for_one_drink_at_most() -> None:
    answered = np.array([[0, 21, 10, 31], [0, 0, 10, 11], [0, 0, 10, 10], [50, 50, 60, 60]], dtype=np.float32)
    there, boxes = pairs(THERE, answered)
    assert dict(zip(there.tolist(), boxes.tolist(), strict=True)) == {0: 2, 1: 0}


def test_half_an_overlap_is_enough_and_less_is_not() -> None:
    assert len(pairs(THERE[:1], np.array([[0, 0, 10, 5]], dtype=np.float32))[0]) == 1
    assert len(pairs(THERE[:1], np.array([[0, 0, 10, 4.9]], dtype=np.float32))[0]) == 0


def test_no_answer_finds_nothing() -> None:
    assert len(pairs(THERE, np.zeros((0, 4), dtype=np.float32))[0]) == 0


def test_a_tally_counts_what_was_found_and_what_was_named() -> None:
    shelf = Shelf(np.zeros((1, 1, 3), dtype=np.uint8), THERE, np.array([7, 8, 9]))
    answer = {"detection_boxes": THERE[[2, 0]], "detection_classes": np.array([9, 8], dtype=np.int32)}
    assert tally(answer, shelf) == Tally(there=3, answered=2, found=2, named=1)


def test_figures_are_over_drinks_but_for_the_count_of_each_shelf() -> None:
    recall, error, accuracy = measures([Tally(100, 103, 99, 90), Tally(50, 48, 47, 47)])
    assert recall == pytest.approx(146 / 150)
    assert error == pytest.approx((0.03 + 0.04) / 2)
    assert accuracy == pytest.approx(137 / 146)
