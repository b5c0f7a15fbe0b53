"""What the trainings see: never evaluation's shelves, and boxes that go with the pixels."""

import numpy as np
import pytest

from evaluation.shelves.renderer import FIRST_EVALUATION_SEED
from training.shelf.data import WORST_ERROR, jittered, shelf_crops, shelf_pixels
from training.shelf.squares import SIDE, square, targets_of


@pytest.mark.parametrize("seed", [-1, FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + 7])
def test_evaluation_is_not_trained_on(seed: int) -> None:
    with pytest.raises(ValueError, match="evaluation"):
        shelf_pixels(seed)
    with pytest.raises(ValueError, match="evaluation"):
        shelf_crops(seed)


def test_crops_are_off_by_a_share_of_the_box_at_most() -> None:
    boxes = np.tile(np.array([[10, 20, 110, 60]], dtype=np.float32), (500, 1))
    off = (jittered(boxes, np.random.default_rng(0)) - boxes) / np.array([100, 40, 100, 40])
    assert np.abs(off).max() == pytest.approx(WORST_ERROR, abs=1e-5)
    assert off.std() == pytest.approx(0.04, abs=0.004)


def white_boxes() -> tuple[
    np.ndarray[tuple[int, int, int], np.dtype[np.uint8]], np.ndarray[tuple[int, int], np.dtype[np.float32]]
]:
    """Return a black letterbox with white boxes of many places, far enough apart not to blend."""
    pixels = np.zeros((640, 640, 3), dtype=np.uint8)
    boxes = [(y, x, y + 41, x + 17) for y in range(5, 590, 83) for x in range(9, 610, 47)]
    for top, left, bottom, right in boxes:
        pixels[top:bottom, left:right] = 255
    return pixels, np.array(boxes, dtype=np.float32)


@pytest.mark.parametrize("seed", range(12))
def test_a_squares_boxes_are_where_its_pixels_are(seed: int) -> None:
    picture, boxes = square(*white_boxes(), np.random.default_rng(seed))
    assert picture.shape == (SIDE, SIDE, 3)
    assert len(boxes) > 5
    painted = np.zeros((SIDE, SIDE))
    for top, left, bottom, right in boxes.round().astype(int):
        painted[top:bottom, left:right] = 255
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(int)
    assert (picture[centres[:, 0], centres[:, 1]] > 200).all()
    assert np.abs(painted - picture[..., 0]).mean() < 12


def test_a_square_keeps_no_box_that_is_nearly_outside() -> None:
    boxes = np.array([[-1000, -1000, 10, 10], [100, 100, 540, 540]], dtype=np.float32)
    for seed in range(5):
        _, kept = square(np.zeros((640, 640, 3), dtype=np.uint8), boxes, np.random.default_rng(seed))
        assert len(kept) <= 1


def test_targets_are_centres_and_sizes() -> None:
    targets = targets_of(3, np.array([[10, 20, 30, 60]], dtype=np.float32))
    assert targets.tolist() == [[3, 40, 20, 40, 20]]
    assert targets_of(0, np.zeros((0, 4), dtype=np.float32)).shape == (0, 5)
