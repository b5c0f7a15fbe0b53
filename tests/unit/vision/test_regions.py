"""Regions: what is inside a box, at the net's size, and black beyond the picture."""

import numpy as np
import pytest
from PIL import Image

from vision.nms import Boxes
from vision.regions import cut_regions, enlarged
from vision.tensors import Picture


@pytest.fixture
def picture() -> Picture:
    return np.random.default_rng(3).integers(1, 256, (60, 80, 3), np.uint8)


def _boxes(*boxes: tuple[float, float, float, float]) -> Boxes:
    return np.array(boxes, dtype=np.float32).reshape(-1, 4)


def test_a_box_of_the_nets_size_comes_out_as_it_is(picture: Picture) -> None:
    regions = cut_regions(picture, _boxes((10, 20, 26, 44)), 16, 24)
    assert np.array_equal(regions[0], picture[10:26, 20:44])


def test_inside_the_picture_it_is_pillows_resize_of_a_box(picture: Picture) -> None:
    random = np.random.default_rng(5)
    corners = random.uniform((0, 0), (30, 40), (50, 2))
    boxes = np.concatenate([corners, corners + random.uniform(1, 30, (50, 2))], axis=1).astype(np.float32)
    boxes[0] = (0, 0, *picture.shape[:2])
    image = Image.fromarray(picture)
    for region, (top, left, bottom, right) in zip(cut_regions(picture, boxes, 7, 9), boxes, strict=True):
        expected = image.resize((9, 7), Image.Resampling.BILINEAR, box=(left, top, right, bottom))
        difference = region.astype(int) - np.asarray(expected)
        assert abs(difference).max() <= 1  # the window's coordinates are shorter floats than the picture's


def test_beyond_the_picture_all_is_black(picture: Picture) -> None:
    around = cut_regions(picture, _boxes((-60, -80, 120, 160)), 180, 240)[0]
    assert np.array_equal(around[60:120, 80:160], picture)
    around[60:120, 80:160] = 0
    assert not around.any()


def test_a_box_wholly_outside_is_black(picture: Picture) -> None:
    boxes = _boxes((-40, -30, -10, -5), (100, 10, 130, 20), (10, 100, 20, 130))
    assert not cut_regions(picture, boxes, 8, 8).any()


def test_reduction_averages_all_pixels() -> None:
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[::2] = 200
    inner = cut_regions(stripes, _boxes((0, 0, 64, 64)), 8, 8)[0, 1:-1]
    assert abs(inner.astype(int) - 100).max() <= 1


def test_no_boxes_give_no_regions(picture: Picture) -> None:
    regions = cut_regions(picture, _boxes(), 12, 10)
    assert regions.shape == (0, 12, 10, 3)
    assert regions.dtype == np.uint8


def test_enlarged_adds_a_share_of_the_size_on_every_side() -> None:
    assert enlarged(_boxes((10, 20, 20, 60)), 0.1).tolist() == [[9, 16, 21, 64]]
    assert enlarged(_boxes(), 0.1).shape == (0, 4)
