import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vision.ocr.examples import DETECTION
from vision.ocr.working import Geometry, band_height, map_picture, map_size, working_picture, working_size

SIDES = st.integers(1, 50_000)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((480, 640), (480, 640)),
        ((2000, 30), (2000, 30)),
        ((3000, 4000), (3000, 4000)),
        ((7016, 4960), (5824, 4128)),  # 24 million pixels
        ((2001, 20), (2001, 20)),
        ((20, 100), (32, 160)),
        ((1, 1), (32, 32)),
    ],
)
def test_lines_are_cut_from_the_picture_as_it_is_unless_it_is_narrow(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert working_size(*size, DETECTION) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((736, 736), (736, 736)),
        ((480, 640), (736, 992)),  # int(640 * 736 / 480) = 981
        ((1200, 1600), (1216, 1600)),  # 37.5 strides become 38, the even one
        ((100, 600), (736, 4416)),
        ((32, 32), (736, 736)),
        ((2000, 2000), (1984, 1984)),
    ],
)
def test_map_size_is_the_sources(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert map_size(*size, DETECTION) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((3508, 2480), (1760, 1248)),  # 2.2 million pixels
        ((3000, 1080), (2048, 736)),
        ((20_000, 1080), (5888, 320)),
        ((128, 9000), (96, 5888)),
        ((1000, 2100), (960, 1984)),
    ],
)
def test_large_pictures_are_searched_at_a_size_that_is_bounded(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert map_size(*size, DETECTION) == expected


@pytest.mark.parametrize(
    ("size", "band"),
    [
        ((100, 800), 0),
        ((100, 801), 50),
        ((30, 40), 15),
        ((31, 40), 0),
        ((50, 1600), 175),
        ((32, 1984), 232),
        ((70, 9000), 29),
        ((128, 9000), 0),
    ],
)
def test_flat_pictures_get_bands(size: tuple[int, int], band: int) -> None:
    assert band_height(*size, DETECTION) == band


@given(SIDES, SIDES)
def test_every_derived_size_is_bounded(height: int, width: int) -> None:
    inner_height, inner_width = working_size(height, width, DETECTION)
    assert min(inner_height, inner_width) >= 30 or max(inner_height, inner_width) >= 2000
    working_height = inner_height + 2 * band_height(inner_height, inner_width, DETECTION)
    assert working_height <= max(2000, height)
    sides = map_size(working_height, inner_width, DETECTION)
    assert all(32 <= side <= 5888 and side % 32 == 0 for side in sides)
    assert sides[0] * sides[1] <= 5888 * 736


@pytest.mark.parametrize("size", [(1, 1), (10, 30_000), (30_000, 10), (1, 3000), (2500, 1)])
def test_degenerate_pictures_pass(size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 200, dtype=np.uint8)
    working, geometry = working_picture(picture, DETECTION)
    corner = np.array([geometry.left + working.shape[1], working.shape[0] - geometry.top], dtype=np.float32)
    assert geometry.to_input(corner).tolist() == [size[1], size[0]]
    assert map_picture(working, DETECTION).dtype == np.uint8


def test_bands_are_black_and_counted_in_the_geometry() -> None:
    picture = np.full((40, 400, 3), 255, dtype=np.uint8)
    working, geometry = working_picture(picture, DETECTION)
    assert working.shape == (100, 400, 3)
    assert not working[:30].any()
    assert not working[70:].any()
    assert np.array_equal(working[30:70], picture)
    assert geometry == Geometry(40, 400, 1, 1, 30, 0)


def test_points_return_to_the_input_picture_and_stay_inside() -> None:
    geometry = Geometry(height=300, width=200, y_scale=3, x_scale=2, top=10, left=0)
    points = np.array([[5, 20], [-4, 4], [500, 500]], dtype=np.float32)
    assert geometry.to_input(points).tolist() == [[10, 30], [0, 0], [200, 300]]


def test_a_large_picture_is_averaged_for_the_search() -> None:
    lines = np.zeros((2400, 2400, 3), dtype=np.uint8)
    lines[::4] = 255  # every fourth row: what is not averaged would be seen as black or white
    lines[1::4] = 255
    searched = map_picture(np.repeat(lines, 2, axis=1), DETECTION)
    assert abs(searched[8:-8].astype(float).mean() - 127.5) < 2
    assert searched[8:-8].std() < 60


def test_settings_say_the_limits() -> None:
    small = msgspec.structs.replace(DETECTION, map_max_side=320)
    assert map_size(100, 600, small) == (64, 320)
