import numpy as np
import pytest
from numpy.typing import NDArray

from vision.ocr.crops import crop_line, crop_size, upside_down

TURN_RATIO = 1.5
PATTERN = (np.add.outer(np.arange(40) * 5, np.arange(60) * 3) % 256)[..., None].repeat(3, 2).astype(np.uint8)
PATTERN[10:20, 15:30] = (250, 20, 90)


def corners(*points: tuple[int, int]) -> NDArray[np.float32]:
    return np.array(points, dtype=np.float32)


def test_upright_boxes_are_slices() -> None:
    box = corners((5, 6), (25, 6), (25, 18), (5, 18))
    line, start = crop_line(PATTERN, box, TURN_RATIO)
    assert np.array_equal(line, PATTERN[6:18, 5:25])
    assert line.base is not None
    assert np.array_equal(start, box)


def test_slanted_boxes_are_rapidocrs_crops() -> None:
    # RapidOCR 3.10.0's get_rotate_crop_image, every sixth pixel of row 3
    golden = [[66, 66, 66], [88, 90, 89], [250, 20, 90], [250, 20, 90], [160, 161, 160], [185, 185, 185]]
    line, _ = crop_line(PATTERN, corners((8, 6), (44, 13), (41, 29), (5, 21)), TURN_RATIO)
    assert line.shape == (16, 36, 3)
    assert np.abs(line[3, ::6].astype(int) - golden).max() <= 1


@pytest.mark.parametrize(("height", "turned"), [(30, True), (29, False)])
def test_high_boxes_are_turned_and_start_at_the_top_right(height: int, turned: bool) -> None:
    box = corners((4, 3), (24, 3), (24, 3 + height), (4, 3 + height))
    line, start = crop_line(PATTERN, box, TURN_RATIO)
    assert line.shape[:2] == ((20, height) if turned else (height, 20))
    first = start[0].astype(int)
    assert first.tolist() == ([24, 3] if turned else [4, 3])
    pixel = PATTERN[3, 23] if turned else PATTERN[3, 4]
    assert np.array_equal(line[0, 0], pixel)


def test_upside_down_starts_at_the_opposite_corner() -> None:
    box = corners((0, 0), (9, 0), (9, 5), (0, 5))
    assert upside_down(box).tolist() == [[9, 5], [0, 5], [0, 0], [9, 0]]


def test_size_is_that_of_the_longer_sides() -> None:
    assert crop_size(corners((0, 0), (10, 0), (14, 7), (0, 5))) == (14, 8)


def test_a_box_at_the_far_corner_stays_inside() -> None:
    line, _ = crop_line(PATTERN, corners((50, 30), (59, 32), (58, 39), (49, 37)), TURN_RATIO)
    assert line.shape == (7, 9, 3)
