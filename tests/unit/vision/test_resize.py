import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.vision.resampling import GOLDEN, PICTURES, SIDES
from vision import resize
from vision.resize import enlarge_in_tiles, resize_bilinear, resize_bilinear_exact

# cv2.resize(GOLDEN, (7, 6))[..., 0] and cv2.resize(GOLDEN, (3, 2))[..., 1], OpenCV 4.11
ENLARGED = [
    [0, 63, 143, 222, 122, 130, 193],
    [27, 90, 133, 123, 112, 156, 220],
    [62, 125, 133, 33, 112, 173, 213],
    [97, 160, 168, 68, 147, 137, 81],
    [133, 124, 114, 104, 183, 154, 75],
    [159, 79, 51, 130, 209, 181, 101],
]
REDUCED = [[101, 35, 136], [123, 141, 116]]


def naive_bilinear(picture: NDArray[np.uint8], height: int, width: int, offset: float) -> NDArray[np.float64]:
    """One pixel after the other, in floating point, as the definition reads; `offset` is a pixel's index."""
    result = np.empty((height, width, picture.shape[2]))
    for row in range(height):
        for column in range(width):
            y = np.clip((row + offset) * picture.shape[0] / height - offset, 0, picture.shape[0] - 1)
            x = np.clip((column + offset) * picture.shape[1] / width - offset, 0, picture.shape[1] - 1)
            top, left = int(y), int(x)
            bottom, right = min(top + 1, picture.shape[0] - 1), min(left + 1, picture.shape[1] - 1)
            upper = picture[top, left] * (1 - (x - left)) + picture[top, right] * (x - left)
            lower = picture[bottom, left] * (1 - (x - left)) + picture[bottom, right] * (x - left)
            result[row, column] = upper * (1 - (y - top)) + lower * (y - top)
    return result


@given(PICTURES, SIDES, SIDES)
def test_the_exact_one_is_bilinear_from_corner_to_corner(
    picture: NDArray[np.uint8], height: int, width: int
) -> None:
    resized = resize_bilinear_exact(picture, height, width)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, naive_bilinear(picture, height, width, 0), atol=5e-3)


@given(PICTURES, SIDES, SIDES)
def test_it_is_bilinear_from_centre_to_centre(picture: NDArray[np.uint8], height: int, width: int) -> None:
    exact = naive_bilinear(picture, height, width, 0.5)
    assert np.abs(resize_bilinear(picture, height, width) - exact).max() < 1


def test_it_is_opencv_to_the_bit() -> None:
    assert resize_bilinear(GOLDEN, 6, 7)[..., 0].tolist() == ENLARGED
    assert resize_bilinear(GOLDEN, 2, 3)[..., 1].tolist() == REDUCED


def test_the_exact_one_keeps_the_first_pixel_and_samples_whole_steps() -> None:
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    assert np.array_equal(resize_bilinear_exact(picture, 4, 4), picture[::2, ::2])


def test_it_averages_four_pixels_when_it_halves() -> None:
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    assert resize_bilinear(picture, 4, 4)[0, 0, 0] == round((0 + 1 + 8 + 9) / 4 + 0.01)


def test_it_does_not_average_what_lies_between() -> None:
    picture = np.zeros((1, 90, 1), dtype=np.uint8)
    picture[:, 2::9] = 255  # between the samples of a reduction by nine
    assert not resize_bilinear(picture, 1, 10).any()
    assert not resize_bilinear_exact(picture, 1, 10).any()


def test_the_exact_one_alone_is_lopsided() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (11, 7, 3), dtype=np.uint8)
    turned = picture[::-1, ::-1]
    assert np.array_equal(resize_bilinear(turned, 5, 13)[::-1, ::-1], resize_bilinear(picture, 5, 13))
    lopsided = resize_bilinear_exact(turned, 5, 13)[::-1, ::-1]
    assert np.abs(lopsided - resize_bilinear_exact(picture, 5, 13)).max() > 1


@given(PICTURES)
def test_its_own_size_changes_nothing(picture: NDArray[np.uint8]) -> None:
    height, width, _ = picture.shape
    assert np.array_equal(resize_bilinear(picture, height, width), picture)
    assert np.array_equal(resize_bilinear_exact(picture, height, width), picture)


@given(st.integers(0, 255), SIDES, SIDES)
def test_one_colour_stays_that_colour(grey: int, height: int, width: int) -> None:
    resized = resize_bilinear(np.full((7, 9, 3), grey, dtype=np.uint8), height, width)
    assert np.abs(resized.astype(int) - grey).max() <= 1  # OpenCV cuts off bits of either row
    assert resized.shape == (height, width, 3)
    assert resized.dtype == np.uint8


def test_many_rows_are_the_same_as_few() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (100, 4, 3), dtype=np.uint8)
    assert np.abs(resize_bilinear(picture, 150, 4) - naive_bilinear(picture, 150, 4, 0.5)).max() < 1


# cv2.resize(RAMP, (6, 5)), OpenCV 4.11
RAMP = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4) ** 2
LARGE_RAMP = [
    [0.0, 0.0041, 0.0124, 0.0289, 0.0537, 0.0744],
    [0.0529, 0.0702, 0.0961, 0.1303, 0.1727, 0.2066],
    [0.1322, 0.1694, 0.2218, 0.2824, 0.3512, 0.4050],
    [0.3702, 0.4273, 0.5061, 0.5931, 0.6884, 0.7620],
    [0.5289, 0.5992, 0.6956, 0.8003, 0.9132, 1.0],
]


def joined(plane: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    result = np.full((height, width), np.nan, dtype=np.float32)
    for rows, columns, values in enlarge_in_tiles(plane, height, width):
        assert np.isnan(result[rows, columns]).all()
        result[rows, columns] = values
    return result


def test_floats_are_enlarged_as_opencv_does() -> None:
    np.testing.assert_allclose(joined(RAMP, 5, 6), LARGE_RAMP, atol=1e-4)


@pytest.mark.parametrize(("tile_width", "tile_area"), [(1, 1), (7, 20), (4096, 1)])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 50), (50, 3), (23, 31), (2, 2)])
def test_tiles_cover_the_result_once_and_are_the_same_whatever_their_size(
    height: int, width: int, tile_width: int, tile_area: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = np.random.default_rng(5).random((9, 8), dtype=np.float32)
    whole = joined(plane, height, width)
    monkeypatch.setattr(resize, "_TILE_WIDTH", tile_width)
    monkeypatch.setattr(resize, "_TILE_AREA", tile_area)
    assert np.array_equal(joined(plane, height, width), whole)
