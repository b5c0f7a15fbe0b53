"""Names on pictures: none covers another, all are within the picture and of a size to be read."""

import numpy as np
import pytest
from PIL import Image

from modelhub.present import annotate
from modelhub.present.canvas import LEAST_TEXT, Canvas, Label
from modelhub.present.labels import MOST_COVERED, Placing, Rect


def shared(one: Rect, other: Rect) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def test_labels_of_one_thing_after_another_never_cover_each_other() -> None:
    things: list[Rect] = [(100.0, 100.0, 300.0, 300.0)] * 8
    places = Placing(500, 400).places(things, [(80.0, 20.0)] * 8)
    found = [place for place in places if place]
    assert len(found) == 8
    assert not any(shared(one, other) for one in found for other in found if one is not other)


def test_labels_stay_in_the_picture_and_cover_little_of_each_other() -> None:
    random = np.random.default_rng(5)
    left_out = 0
    for _ in range(200):
        width, height = random.integers(120, 1000, 2).tolist()
        corners = random.random((random.integers(1, 40), 4)) * [width, height, width, height]
        things: list[Rect] = [
            (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)) for x0, y0, x1, y1 in corners.tolist()
        ]
        sizes = [(float(random.integers(20, 100)), 14.0) for _ in things]
        taken: list[Rect] = []
        for place in Placing(width, height).places(things, sizes):
            if place is None:
                left_out += 1
                continue
            assert place[0] >= 0 <= place[1]
            assert place[2] <= width
            assert place[3] <= height
            area = (place[2] - place[0]) * (place[3] - place[1])
            assert sum(shared(place, other) for other in taken) < MOST_COVERED * area + 1e-6
            taken.append(place)
    assert 0 < left_out < 1000


def test_a_label_that_has_no_room_is_left_out() -> None:
    tiny: list[Rect] = [(0.0, 0.0, 5.0, 5.0)] * 9
    places = Placing(60, 20).places(tiny, [(60.0, 18.0)] * 9)
    assert places.count(None) > 5


@pytest.mark.parametrize("size", [(200, 150), (640, 480), (2048, 1536), (4000, 3000)])
def test_letters_are_as_large_as_the_picture_asks_for(size: tuple[int, int]) -> None:
    letters = Canvas([Image.new("RGB", size)]).text_size
    assert letters >= LEAST_TEXT
    assert letters / size[1] < 0.08
    assert letters / size[1] > 0.02


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (30, 12)])
def test_the_smallest_pictures_are_drawn_on(size: tuple[int, int]) -> None:
    answer = {
        "detection_boxes": [[0.0, 0.0, size[1], size[0]]] * 3,
        "detection_scores": [0.5] * 3,
        "detection_class_names": ["a very long name indeed", "", "鱼"],
    }
    assert annotate("object_detection", answer, Image.new("RGB", size)).size == size
    classes = {"class_probs": {"great white shark": 0.9, "": 0.1}}
    assert annotate("image_classification", classes, Image.new("RGB", size)).size == size


def test_a_long_headline_hides_a_third_of_the_picture_at_most() -> None:
    classes = {"class_probs": {f"a name of many words, number {index}": 0.1 for index in range(3)}}
    drawn = np.asarray(annotate("image_classification", classes, Image.new("RGB", (150, 120))))
    assert drawn[:40].any()
    assert not drawn[50:].any()


def test_a_name_is_cut_short_where_the_picture_is_narrow() -> None:
    canvas = Canvas([Image.new("RGB", (60, 200))])
    canvas.label([Label("a name that is far too long for it", (10, 100, 50, 150))])
    assert np.asarray(canvas.picture)[60:100].any()
