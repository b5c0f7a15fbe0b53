"""Drawn shelves: they follow from their seeds, and their boxes from what can be seen."""

import numpy as np
import pytest

from evaluation.shelves.products import catalogue
from evaluation.shelves.renderer import FEWEST, MOST, Shelf, render_shelf, visible_boxes

SEEDS = (1_000_000, 1_000_001, 1_000_002)


@pytest.fixture(scope="module")
def shelves() -> list[Shelf]:
    return [render_shelf(seed) for seed in SEEDS]


def test_a_seed_gives_the_same_shelf_again_and_another_seed_another(shelves: list[Shelf]) -> None:
    again = render_shelf(SEEDS[0])
    np.testing.assert_array_equal(again.picture, shelves[0].picture)
    np.testing.assert_array_equal(again.boxes, shelves[0].boxes)
    np.testing.assert_array_equal(again.classes, shelves[0].classes)
    assert not np.array_equal(shelves[0].boxes, shelves[1].boxes)


def test_a_shelf_is_a_picture_with_boxes_inside_and_classes(shelves: list[Shelf]) -> None:
    for picture, boxes, classes in shelves:
        assert picture.dtype == np.uint8
        assert 1200 <= max(picture.shape) <= 1800
        assert boxes.dtype == np.float32
        assert FEWEST <= len(boxes) == len(classes) <= MOST
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= np.array(picture.shape[:2])).all()
        assert set(classes.tolist()) <= set(range(len(catalogue())))


def test_products_stand_in_runs(shelves: list[Shelf]) -> None:
    for shelf in shelves:
        assert 10 < len(np.unique(shelf.classes)) < len(shelf.classes) / 1.5


def test_a_box_is_what_is_seen_of_a_drink() -> None:
    numbers = np.zeros((20, 30), dtype=np.int32)
    numbers[2:12, 3:9] = 1
    numbers[2:12, 6:14] = 2  # stands in front of the first
    boxes, which = visible_boxes(numbers, np.array([60, 80]))
    assert boxes.tolist() == [[2, 3, 12, 6], [2, 6, 12, 14]]
    assert which.tolist() == [0, 1]


def test_a_drink_that_hardly_shows_has_no_box() -> None:
    numbers = np.zeros((20, 30), dtype=np.int32)
    numbers[0:10, 0:3], numbers[0:10, 10:12] = 1, 2
    boxes, which = visible_boxes(numbers, np.array([100, 100, 100]))
    assert boxes.tolist() == [[0, 0, 10, 3]]
    assert which.tolist() == [0]


def test_a_shelf_without_drinks_has_no_boxes() -> None:
    boxes, which = visible_boxes(np.zeros((4, 4), dtype=np.int32), np.array([10]))
    assert boxes.shape == (0, 4)
    assert which.shape == (0,)
