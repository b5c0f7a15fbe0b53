"""Stretching as OpenCV's `warpPerspective` does it."""

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from tests.unit.vision.resampling import GOLDEN, PICTURES, SIDES
from vision.warp import warp

# cv2.warpPerspective(GOLDEN, ..., (7, 6))[..., 0] and (3, 2)[..., 0], OpenCV 4.11
ENLARGED = [
    [0, 80, 160, 200, 104, 144, 139],
    [35, 115, 122, 96, 113, 179, 164],
    [71, 151, 121, 60, 136, 167, 128],
    [106, 186, 156, 94, 171, 109, 35],
    [141, 102, 98, 129, 205, 144, 59],
    [104, 38, 44, 97, 147, 106, 48],
]
REDUCED = [[0, 184, 120], [106, 125, 140]]


def naive_warp(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """One pixel after the other, in floating point, on a picture with a black border."""
    bordered = np.pad(picture, ((0, 2), (0, 2), (0, 0))).astype(float)
    result = np.empty((height, width, picture.shape[2]))
    for row in range(height):
        for column in range(width):
            y, x = row * picture.shape[0] / height, column * picture.shape[1] / width
            top, left = int(y), int(x)
            upper, lower = (
                bordered[line, left] * (1 - (x - left)) + bordered[line, left + 1] * (x - left)
                for line in (top, top + 1)
            )
            result[row, column] = upper * (1 - (y - top)) + lower * (y - top)
    return result


def test_it_is_opencv_to_the_bit() -> None:
    assert warp(GOLDEN, 6, 7)[..., 0].tolist() == ENLARGED
    assert warp(GOLDEN, 2, 3)[..., 0].tolist() == REDUCED


@given(PICTURES, SIDES, SIDES)
def test_it_is_bilinear_to_a_64th_of_a_pixel_with_black_beyond_the_edge(
    picture: NDArray[np.uint8], height: int, width: int
) -> None:
    differences = warp(picture, height, width) - naive_warp(picture, height, width)
    assert np.abs(differences).max() <= 2 * 255 / 64 + 0.51


@given(PICTURES)
def test_its_own_size_changes_nothing(picture: NDArray[np.uint8]) -> None:
    height, width, _ = picture.shape
    assert np.array_equal(warp(picture, height, width), picture)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_reduction_by_a_whole_factor_takes_first_pixels(factor: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (16, 32, 3), np.uint8)
    reduced = warp(picture, 16 // factor, 32 // factor)
    assert np.array_equal(reduced, picture[::factor, ::factor])


def test_a_small_picture_fades_to_black_at_its_right_and_lower_edge() -> None:
    warped = warp(np.full((2, 2, 3), 200, np.uint8), 8, 8)
    assert (warped[:5, :5] == 200).all()
    assert warped[0, :, 0].tolist() == [200, 200, 200, 200, 200, 150, 100, 50]
    assert warped[:, 0, 0].tolist() == warped[0, :, 0].tolist()
