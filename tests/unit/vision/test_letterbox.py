"""The letterbox: YOLOv5's geometry, and the way back from the square to the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vision.letterbox import Letterbox, letterbox

GREY = 114
sides = st.integers(1, 400)


def test_a_wide_picture_lies_between_grey_bands() -> None:
    square, place = letterbox(Image.new("RGB", (200, 100), (255, 0, 0)), 64, GREY)
    assert square.shape == (64, 64, 3)
    assert square.dtype == np.uint8
    assert (square[16:48] == (255, 0, 0)).all()
    assert (square[:16] == GREY).all()
    assert (square[48:] == GREY).all()
    assert place == Letterbox(0.32, 0.32, 16, 0)


def test_a_small_picture_is_enlarged() -> None:
    square, place = letterbox(Image.new("RGB", (3, 6), "white"), 64, GREY)
    assert (square[:, 16:48] == 255).all()
    assert place == Letterbox(64 / 6, 32 / 3, 0, 16)


@pytest.mark.parametrize(
    ("width", "height", "inner", "top"),
    [(640, 481, 481, 79), (1000, 333, 213, 213), (1706, 1280, 480, 80), (640, 4, 4, 318)],
)
def test_rounding_is_yolov5s(width: int, height: int, inner: int, top: int) -> None:
    """By `round((size - inner) / 2 - 0.1)`: the larger half of an odd rest is below."""
    square, place = letterbox(Image.new("RGB", (width, height), "white"), 640, GREY)
    assert place.top == top == round((640 - inner) / 2 - 0.1)
    assert (square == 255).all(axis=(1, 2)).sum() == inner


@given(sides, sides, st.sampled_from([32, 64, 640]), st.data())
def test_a_box_comes_back_where_it_was(width: int, height: int, size: int, data: st.DataObject) -> None:
    _, place = letterbox(Image.new("RGB", (width, height)), size, GREY)
    top, bottom = sorted(data.draw(st.tuples(*[st.floats(0, height)] * 2)))
    left, right = sorted(data.draw(st.tuples(*[st.floats(0, width)] * 2)))
    box = np.array([[top, left, bottom, right]], dtype=np.float32)
    inside = place.to_square(box)
    scales = np.array([place.y_scale, place.x_scale] * 2)
    np.testing.assert_allclose(inside, box * scales + [place.top, place.left] * 2, rtol=1e-5, atol=1e-4)
    assert (inside >= 0).all()
    assert (inside <= size * (1 + 1e-6)).all()
    back = place.to_picture(inside, height, width)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, box, atol=1e-4 * max(width, height))


@given(sides, sides)
def test_the_square_itself_comes_back_as_the_whole_picture(width: int, height: int) -> None:
    _, place = letterbox(Image.new("RGB", (width, height)), 64, GREY)
    whole = place.to_picture(np.array([[0, 0, 64, 64]], dtype=np.float32), height, width)
    np.testing.assert_allclose(whole, [[0, 0, height, width]], rtol=1e-6, atol=1e-4)


def test_a_mark_is_found_where_it_was_drawn() -> None:
    picture = Image.new("RGB", (300, 500), "black")
    picture.paste((255, 255, 255), (90, 200, 150, 260))
    square, place = letterbox(picture, 128, 0)
    rows, columns = np.nonzero(square[..., 0] > 127)
    seen = np.array([[rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]], dtype=np.float32)
    np.testing.assert_allclose(place.to_picture(seen, 500, 300), [[200, 90, 260, 150]], atol=500 / 128)
