import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from tests.unit.vision.ocr.examples import DETECTION
from vision.ocr.detection import (
    clockwise,
    dilate,
    find_boxes,
    mean_inside,
    reading_order,
    region_rectangles,
    sides,
    smallest_rectangles,
    unclip,
)

# Centre x, y, half width, half height in pixels, angle in degrees.
REGIONS = (
    (80, 30, 50, 6, 0),
    (230, 34, 40, 6, 0),
    (100, 90, 60, 7, 9),
    (230, 110, 45, 6, -20),
    (30, 150, 6, 40, 0),
    (160, 170, 5, 4, 0),
    (250, 180, 30, 1, 0),  # too weak
    (310, 60, 4, 1, 0),  # too small
)
# RapidOCR 3.10.0's DBPostProcess on the map of REGIONS, for pictures of 200 x 320 and 100 x 480.
GOLDEN = {
    (200, 320): [
        [[21, 15], [140, 15], [140, 46], [21, 46]],
        [[181, 19], [280, 19], [280, 50], [181, 50]],
        [[31, 58], [176, 81], [169, 122], [24, 99]],
        [[15, 101], [46, 101], [46, 199], [15, 199]],
        [[170, 113], [277, 73], [290, 107], [183, 147]],
        [[151, 162], [170, 162], [170, 179], [151, 179]],
    ],
    (100, 480): [
        [[31, 8], [210, 8], [210, 23], [31, 23]],
        [[272, 10], [420, 10], [420, 25], [272, 25]],
        [[46, 29], [264, 40], [254, 61], [36, 50]],
        [[22, 50], [69, 50], [69, 99], [22, 99]],
        [[255, 56], [416, 37], [435, 54], [274, 73]],
        [[226, 81], [255, 81], [255, 90], [226, 90]],
    ],
}
GOLDEN_SCORES = [0.7946, 0.7907, 0.7361, 0.7907, 0.7172, 0.6343]

Region = tuple[float, float, float, float, float]


def text_map(height: int, width: int, regions: tuple[Region, ...]) -> NDArray[np.float32]:
    """Soft-edged rectangles, as the detector draws them."""
    y, x = np.mgrid[:height, :width].astype(float)
    result = np.zeros((height, width))
    for centre_x, centre_y, half_width, half_height, degrees in regions:
        angle = np.deg2rad(degrees)
        along = (x - centre_x) * np.cos(angle) + (y - centre_y) * np.sin(angle)
        across = (y - centre_y) * np.cos(angle) - (x - centre_x) * np.sin(angle)
        outside = np.maximum(np.abs(along) - half_width, np.abs(across) - half_height)
        result = np.maximum(result, 1 / (1 + np.exp(outside)))
    return result.astype(np.float32)


@pytest.mark.parametrize("size", GOLDEN)
def test_boxes_are_rapidocrs(size: tuple[int, int]) -> None:
    boxes = find_boxes(text_map(200, 320, REGIONS), *size, DETECTION)
    assert np.abs(boxes.corners - np.array(GOLDEN[size])).max() <= 1  # OpenCV's rectangles carry float noise
    assert boxes.scores == pytest.approx(GOLDEN_SCORES, abs=0.01)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_no_text_gives_no_boxes(value: float) -> None:
    boxes = find_boxes(np.full((64, 96), value, dtype=np.float32), 64, 96, DETECTION)
    assert boxes.corners.shape == (0, 4, 2)
    assert boxes.scores.shape == (0,)


def test_text_everywhere_is_one_box_inside_the_picture() -> None:
    boxes = find_boxes(np.ones((64, 96), dtype=np.float32), 50, 70, DETECTION)
    assert boxes.corners.tolist() == [[[0, 0], [69, 0], [69, 49], [0, 49]]]


@pytest.mark.parametrize("pattern", ["row", "column", "pixel", "diagonal"])
def test_regions_without_area_are_no_boxes(pattern: str) -> None:
    mask = np.zeros((40, 40), dtype=bool)
    index = {"row": np.s_[5, 3:30], "column": np.s_[3:30, 5], "pixel": np.s_[9, 9]}
    mask[index.get(pattern, np.s_[range(20), range(20)])] = True
    assert region_rectangles(mask, 1000).shape == (0, 4, 2)


def test_noise_in_plenty_is_bounded_and_the_largest_regions_stay() -> None:
    noise = np.zeros((300, 300), dtype=bool)
    noise[::6, ::6] = noise[1::6, ::6] = noise[::6, 1::6] = True  # 2,500 regions
    noise[100:140, 100:240] = True
    rectangles = region_rectangles(noise, 5)
    assert len(rectangles) == 5
    assert sides(rectangles).max() >= 139
    assert find_boxes(noise.astype(np.float32), 300, 300, DETECTION).corners.shape[0] <= 1000


def test_touching_corners_make_one_region() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:6, 2:6] = mask[6:10, 6:10] = True
    assert len(region_rectangles(mask, 1000)) == 1


@given(st.integers(0, 2**32 - 1))
def test_rectangles_hold_their_region_and_none_is_larger_than_upright(seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(random.normal(size=(40, 60)), 2) > 0.12
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    quads = region_rectangles(mask, 1000).astype(np.float64)
    rectangles = iter(quads)
    for region in range(1, count + 1):
        points = np.argwhere(labels == region)[:, ::-1].astype(np.float64)
        if np.linalg.matrix_rank(points - points[0]) < 2:
            continue
        quad = next(rectangles)
        edges = np.roll(quad, -1, axis=0) - quad
        offsets = points[:, None] - quad
        inside = edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0]
        assert inside.min() > -1e-2 * np.abs(edges).max()
        assert np.prod(sides(quad[None])) <= np.prod(np.ptp(points, axis=0)) + 1e-2
    assert next(rectangles, None) is None


@given(st.integers(0, 2**32 - 1))
def test_no_turned_rectangle_is_smaller(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(0, 30, (12, 2))
    area = float(np.prod(sides(smallest_rectangles(points, np.zeros(12, dtype=np.intp)))))
    for angle in np.deg2rad(np.arange(0, 90, 0.5)):
        turned = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        assert area <= np.prod(np.ptp(turned, axis=0)) * (1 + 1e-4)


def test_dilation_spreads_right_and_down_only() -> None:
    mask = np.zeros((5, 5), dtype=bool)
    mask[2, 2] = mask[4, 4] = True
    expected = mask.copy()
    expected[2:4, 2:4] = True
    assert np.array_equal(dilate(mask), expected)


def test_unclip_moves_upright_sides_by_area_times_ratio_over_perimeter() -> None:
    rectangle = np.array([[[10, 20], [110, 20], [110, 40], [10, 40]]], dtype=np.float32)
    distance = 100 * 20 * 1.6 / (2 * 120)  # 13.33
    low, high = np.floor(10 - distance + 0.5), np.floor(110 + distance + 0.5)
    grown = unclip(rectangle, 1.6)[0]
    assert grown[0, 0] == low
    assert grown[2, 0] == high
    assert grown[:, 1].tolist() == [7, 7, 53, 53]


@given(st.floats(20, 200), st.floats(4, 20), st.floats(-40, 40))
def test_unclip_keeps_centre_and_angle(width: float, height: float, degrees: float) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    quad = (upright @ turn + 300).astype(np.float32)
    grown = unclip(quad[None], 1.6)[0]
    distance = width * height * 1.6 / (2 * (width + height))
    assert np.abs(grown.mean(axis=0) - 300).max() < 2
    assert sorted(sides(grown[None])[0]) == pytest.approx(
        sorted((width + 2 * distance, height + 2 * distance)), abs=3.5
    )


def test_score_counts_the_outline_and_cuts_what_lies_outside() -> None:
    ramp = np.tile(np.arange(10, dtype=np.float32), (10, 1))
    quads = np.array(
        [[[2, 2], [4, 2], [4, 6], [2, 6]], [[-5, -5], [1, -5], [1, 30], [-5, 30]]], dtype=np.float32
    )
    assert mean_inside(ramp, quads).tolist() == [3.0, 0.5]


def test_corners_go_clockwise_from_the_top_left_in_any_order() -> None:
    upright = np.array([[1, 2], [9, 1], [10, 6], [2, 7]], dtype=np.float32)
    orders = np.array([[0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0], [1, 3, 0, 2]])
    assert (clockwise(upright[orders]) == upright).all()


def test_reading_order_is_rows_then_columns() -> None:
    tops_left = [(30, 200), (0, 300), (8, 10), (16, 100), (33, 5)]  # the first row drifts down by 8 twice
    corners = np.zeros((5, 4, 2), dtype=np.float32)
    corners[:, 0] = [(left, top) for top, left in tops_left]
    assert reading_order(corners, 10).tolist() == [2, 3, 1, 4, 0]


def test_weak_and_small_boxes_are_left_out_by_settings() -> None:
    strict = msgspec.structs.replace(DETECTION, box_threshold=0.75, min_line_side=40)
    assert len(find_boxes(text_map(200, 320, REGIONS), 200, 320, strict).corners) == 0
