"""Answers for people: a line, and something drawn where it was found."""

import io

import numpy as np
import pytest
from PIL import Image

from client.present import PRESENTATIONS, annotate, summarise
from gateway.services import SERVICES
from tests.hazards import exif_rotated

TEXT = {
    "detection_keypoints": [[[20, 10], [20, 60], [40, 60], [40, 10]]],
    "detection_texts": ["货架 42"],
}
NO_TEXT: dict[str, list[object]] = {"detection_keypoints": [], "detection_texts": []}
CAT = {
    "detection_boxes": [[20.0, 10.0, 50.0, 60.0]],
    "detection_scores": [0.83],
    "detection_class_names": ["cat"],
}
NOTHING: dict[str, list[object]] = {field: [] for field in CAT}
CLASSES = {"class_probs": {"tench": 0.1, "tabby": 0.7, "lynx": 0.2}}


def test_every_service_can_be_told_and_drawn() -> None:
    assert set(PRESENTATIONS) == set(SERVICES)


def test_the_best_classes_are_told_in_order() -> None:
    assert summarise("image_classification", CLASSES) == "tabby 0.70, lynx 0.20, tench 0.10"


@pytest.mark.parametrize(("answer", "line"), [(TEXT, "1 lines: 货架 42"), (NO_TEXT, "no text")])
def test_text_is_told(answer: dict[str, object], line: str) -> None:
    assert summarise("ocr", answer) == line


def test_text_is_outlined_where_it_was_read() -> None:
    drawn = np.asarray(annotate("ocr", TEXT, Image.new("RGB", (80, 60))))
    assert drawn[40, 20:50].any(axis=1).all()
    assert not drawn[50:, :].any()


@pytest.mark.parametrize(("answer", "line"), [(CAT, "cat 0.83"), (NOTHING, "nothing found")])
def test_detections_are_told(answer: dict[str, list[object]], line: str) -> None:
    assert summarise("object_detection", answer) == line


def test_detections_are_framed() -> None:
    drawn = np.asarray(annotate("object_detection", CAT, Image.new("RGB", (80, 60))))
    assert drawn[50, 10:60].any(axis=1).all()
    assert drawn[20:50, 60].any(axis=1).all()
    assert not drawn[52:, :].any()


def test_the_foreground_is_told_and_keeps_its_colours() -> None:
    answer = {"human_ratio": "0.250000", "mask": [[1, 0], [0, 0]]}
    assert summarise("foreground_segmentation", answer) == "people on 25.0% of the picture"
    drawn = annotate("foreground_segmentation", answer, Image.new("RGB", (2, 2), "white"))
    assert drawn.getpixel((0, 0)) == (255, 255, 255)
    assert len({drawn.getpixel(corner) for corner in ((1, 0), (0, 1), (1, 1))} - {(255, 255, 255)}) == 1


def test_two_pictures_are_shown_side_by_side() -> None:
    pictures = [Image.new("RGB", (300, 100), "red"), Image.new("RGB", (40, 130), "blue")]
    drawn = annotate("image_similarity", {"similarity": 12.0, "l2_distance": 1.1}, *pictures)
    assert drawn.size == (340, 130)
    assert drawn.getpixel((10, 99)) == (255, 0, 0)
    assert drawn.getpixel((335, 129)) == (0, 0, 255)


def test_a_rotated_picture_is_drawn_upright_and_left_unchanged() -> None:
    picture = Image.open(io.BytesIO(exif_rotated()))
    before = picture.copy()
    drawn = annotate("image_classification", CLASSES, picture)
    assert drawn.size == (picture.height, picture.width)
    assert (np.asarray(picture) == np.asarray(before)).all()
