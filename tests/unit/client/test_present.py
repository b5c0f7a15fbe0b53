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
CLASSES = {"class_probs": {"tench": 0.1, "tabby": 0.7, "lynx": 0.2}}


def test_every_service_can_be_told_and_drawn() -> None:
    assert set(PRESENTATIONS) == set(SERVICES)


def test_the_best_classes_are_told_in_order() -> None:
    assert summarise("image_classification", CLASSES) == "tabby 0.70, lynx 0.20, tench 0.10"


@pytest.mark.parametrize(("answer", "line"), [(TEXT, "1 lines: 货架 42"), (NO_TEXT, "no text")])
def test_text_is_told(answer: dict[str, object], line: str) -> None:
    assert summarise("ocr", answer) == line


def test_text_is_outlined_where_it_was_read() -> None:
    drawn = np.asarray(annotate("ocr", Image.new("RGB", (80, 60)), TEXT))
    assert drawn[40, 20:50].any(axis=1).all()
    assert not drawn[50:, :].any()


def test_a_rotated_picture_is_drawn_upright_and_left_unchanged() -> None:
    picture = Image.open(io.BytesIO(exif_rotated()))
    before = picture.copy()
    drawn = annotate("image_classification", picture, CLASSES)
    assert drawn.size == (picture.height, picture.width)
    assert (np.asarray(picture) == np.asarray(before)).all()
