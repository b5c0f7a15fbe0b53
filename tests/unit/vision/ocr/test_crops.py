import numpy as np
import pytest
from numpy.typing import NDArray

from vision.ocr.crops import crop_line, crop_size, started

PATTERN = (np.add.outer(np.arange(40) * 5, np.arange(60) * 3) % 256)[..., None].repeat(3, 2).astype(np.uint8)
PATTERN[10:20, 15:30] = (250, 20, 90)


def corners(*points: tuple[int, int]) -> NDArray[np.float32]:
    return np.array(points, dtype=np.float32)


def test_upright_boxes_are_slices() -> None:
    box = corners((5, 6), (25, 6), (25, 18), (5, 18))
    line = crop_line(PATTERN, box)
    assert np.array_equal(line, PATTERN[6:18, 5:25])
    assert line.base is not None


def test_slanted_boxes_are_rapidocrs_crops() -> None:
    # RapidOCR 3.10.0's get_rotate_crop_image, every sixth pixel of row 3
    golden = [[66, 66, 66], [88, 90, 89], [250, 20, 90], [250, 20, 90], [160, 161, 160], [185, 185, 185]]
    line = crop_line(PATTERN, corners((8, 6), (44, 13), (41, 29), (5, 21)))
    assert line.shape == (16, 36, 3)
    assert np.abs(line[3, ::6].astype(int) - golden).max() <= 1


@pytest.mark.parametrize(("quarters", "first"), [(0, [0, 0]), (1, [9, 0]), (2, [9, 5]), (3, [0, 5])])
def test_the_start_follows_the_turn(quarters: int, first: list[int]) -> None:
    box = corners((0, 0), (9, 0), (9, 5), (0, 5))
    start = started(box, quarters)
    assert start[0].tolist() == first
    assert start[1].tolist() == box[(quarters + 1) % 4].tolist()


@pytest.mark.parametrize("slant", [0, 9])
def test_lines_much_higher_than_they_are_read_are_cut_reduced(slant: int) -> None:
    stripes = np.repeat((np.arange(400) // 40 % 2 * 200).astype(np.uint8)[None], 300, axis=0)[
        ..., None
    ].repeat(3, 2)
    box = corners((40, 100), (240, 100 + slant), (240, 199 + slant), (40, 199))
    line = crop_line(stripes, box, 24)
    height, width = line.shape[:2]
    assert 24 <= height < 48
    assert width == pytest.approx(200 / 4, abs=1)
    assert abs(line[height // 2, 5::10, 0].astype(int) - [200, 0, 200, 0, 200]).max() <= 1


def test_size_is_that_of_the_longer_sides() -> None:
    assert crop_size(corners((0, 0), (10, 0), (14, 7), (0, 5))) == (14, 8)


def test_a_box_at_the_far_corner_stays_inside() -> None:
    line = crop_line(PATTERN, corners((50, 30), (59, 32), (58, 39), (49, 37)))
    assert line.shape == (7, 9, 3)
