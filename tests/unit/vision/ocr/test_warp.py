import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vision.ocr.warp import homography, warp

UNIT = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(st.integers(0, 2**32 - 1))
def test_homography_takes_the_four_points_where_they_belong(seed: int) -> None:
    target = UNIT * 50 + np.random.default_rng(seed).uniform(-12, 12, (4, 2))
    a, b, c, d, e, f, g, h = homography(UNIT * 20, target)
    for (x, y), expected in zip(UNIT * 20, target, strict=True):
        scale = g * x + h * y + 1
        assert ((a * x + b * y + c) / scale, (d * x + e * y + f) / scale) == pytest.approx(expected)


def test_whole_shifts_are_copies() -> None:
    picture = noise(20, 30)
    moved = warp(picture, (1, 0, 7, 0, 1, 4, 0, 0), 12, 9)
    assert np.array_equal(moved, picture[4:13, 7:19])


def test_beyond_the_edge_the_outermost_pixels_go_on() -> None:
    picture = noise(6, 8)
    moved = warp(picture, (1, 0, -3, 0, 1, -3, 0, 0), 14, 12)
    assert np.array_equal(moved, np.pad(picture, ((3, 3), (3, 3), (0, 0)), mode="edge"))


def test_half_a_pixel_is_the_cubic_of_four_neighbours() -> None:
    row = np.array([10, 20, 200, 90, 30], dtype=np.uint8)
    picture = np.broadcast_to(row[None, :, None], (3, 5, 3)).copy()
    outer, inner = -0.09375, 0.59375  # Keys's kernel with a = -0.75 at 1.5 and 0.5
    expected = round(outer * 20 + inner * 200 + inner * 90 + outer * 30)
    assert warp(picture, (1, 0, 2.5, 0, 1, 1, 0, 0), 1, 1).tolist() == [[[expected] * 3]]


def test_overshoot_is_cut_off() -> None:
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    picture[:, 4:] = 255
    columns = warp(picture, (0.25, 0, 0, 0, 1, 0, 0, 0), 28, 8)
    assert (columns[:, :13] == 0).all()
    assert (columns[:, 16:] == 255).all()


def test_tall_views_are_whole() -> None:
    picture = noise(300, 400)
    assert np.array_equal(warp(picture, (1, 0, 0, 0, 1, 0, 0, 0), 400, 300), picture)
