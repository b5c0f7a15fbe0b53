"""`ocr` field by field."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.contract.calls import answered, blank, on_its_side, validated
from tests.hazards import encode

SERVICE = "ocr"
WORDS = ("Hello World", "Order 12345", "Total 67.89")
WORDS_EITHER_WAY = ("pond dog pop nod", "green table light", "good loop", "radio 3.45", "pop", "seven stone")
"""Among them such as are words on their head, too."""
BANNER = "the long line of a banner goes on and on " * 8
FIELDS = {
    "detection_boxes",
    "detection_scores",
    "detection_classes",
    "detection_class_names",
    "detection_keypoints",
    "detection_texts_ids",
    "detection_texts",
    "detection_texts_scores",
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three lines of level text."""
    picture = Image.new("RGB", (640, 300), "white")
    font = ImageFont.load_default(40)
    for line, words in enumerate(WORDS):
        ImageDraw.Draw(picture).text((30, 30 + 80 * line), words, "black", font)
    path = tmp_path_factory.mktemp("ocr") / "drawn.png"
    picture.save(path)
    return path


@pytest.fixture(scope="module", params=["page", "drawn"])
def picture(request: pytest.FixtureRequest, sample_pictures: Path, drawn: Path) -> Path:
    return sample_pictures / "page.png" if request.param == "page" else drawn


def test_every_field_is_as_documented(gateway_url: str, picture: Path) -> None:
    fields = answered(gateway_url, SERVICE, picture)
    assert fields.keys() == FIELDS | {"request_id", "success"}
    answer = validated(SERVICE, fields)
    count = len(answer.detection_texts)
    assert count
    assert {len(fields[field]) for field in FIELDS} == {count}
    assert len({len(ids) for ids in answer.detection_texts_ids}) == 1
    assert set(answer.detection_class_names) == {"text"}
    assert len(set(answer.detection_classes)) == 1


def test_boxes_lie_in_the_picture_and_hold_their_corners(gateway_url: str, picture: Path) -> None:
    fields = answered(gateway_url, SERVICE, picture)
    with Image.open(picture) as image:
        width, height = image.size
    boxes = np.array(fields["detection_boxes"])
    corners = np.array(fields["detection_keypoints"])
    assert (boxes >= 0).all()
    assert (boxes[:, [0, 2]] <= height).all()
    assert (boxes[:, [1, 3]] <= width).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    # Boxes are clipped to the picture; corners of text at its edge may stand a little outside.
    inside = np.clip(corners, 0, [height, width])
    np.testing.assert_allclose(boxes[:, :2], inside.min(axis=1), atol=1.5)
    np.testing.assert_allclose(boxes[:, 2:], inside.max(axis=1), atol=1.5)


def test_corners_go_round_the_text_clockwise(gateway_url: str, picture: Path) -> None:
    corners = np.array(answered(gateway_url, SERVICE, picture)["detection_keypoints"])
    y, x = corners[..., 0], corners[..., 1]
    doubled_areas = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
    assert (doubled_areas > 0).all()


def test_corners_start_where_the_reading_starts(gateway_url: str, drawn: Path) -> None:
    """Level lines start at the top left."""
    corners = np.array(answered(gateway_url, SERVICE, drawn)["detection_keypoints"])
    y, x = corners[..., 0], corners[..., 1]
    assert (x[:, 0] < x[:, 1]).all()
    assert (x[:, 3] < x[:, 2]).all()
    assert (y[:, 0] < y[:, 3]).all()
    assert (y[:, 1] < y[:, 2]).all()


def test_drawn_words_are_read_where_they_stand(gateway_url: str, drawn: Path) -> None:
    fields = answered(gateway_url, SERVICE, drawn)
    read = {
        text.replace(" ", ""): box
        for text, box in zip(fields["detection_texts"], fields["detection_boxes"], strict=True)
    }
    assert read.keys() == {words.replace(" ", "") for words in WORDS}
    for line, words in enumerate(WORDS):
        top, left, bottom, _ = read[words.replace(" ", "")]
        assert 20 + 80 * line < top < bottom < 95 + 80 * line
        assert 15 < left < 45


def test_a_printed_page_is_read(gateway_url: str, sample_pictures: Path) -> None:
    read = " ".join(answered(gateway_url, SERVICE, sample_pictures / "page.png")["detection_texts"]).lower()
    assert sum(word in read for word in ("image", "region", "segmentation", "markers")) >= 2


def test_a_blank_picture_is_answered_with_empty_lists(gateway_url: str) -> None:
    fields = answered(gateway_url, SERVICE, blank(320, 240))
    assert fields.keys() == FIELDS | {"request_id", "success"}
    assert all(fields[field] == [] for field in FIELDS)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 400), (400, 1), (33, 31)])
def test_pictures_of_any_shape_are_answered(gateway_url: str, width: int, height: int) -> None:
    validated(SERVICE, answered(gateway_url, SERVICE, blank(width, height)))


def test_a_picture_on_its_side_is_read_upright(gateway_url: str, sample_pictures: Path) -> None:
    with Image.open(sample_pictures / "page.png") as upright:
        width, height = upright.size
    turned = answered(gateway_url, SERVICE, on_its_side(sample_pictures / "page.png"))
    straight = answered(gateway_url, SERVICE, sample_pictures / "page.png")
    assert turned["detection_texts"] == straight["detection_texts"]
    np.testing.assert_allclose(turned["detection_boxes"], straight["detection_boxes"], atol=1)
    assert (np.array(turned["detection_boxes"]) <= [height, width, height, width]).all()


def text_picture(
    lines: tuple[str, ...], size: tuple[int, int], mode: str = "RGB", ink: str = "black"
) -> Image.Image:
    """Lines of 24 pixels, 44 apart."""
    picture = Image.new(mode, size, "white" if mode == "RGB" else (0, 0, 0, 0))
    for row, line in enumerate(lines):
        ImageDraw.Draw(picture).text((20, 16 + 44 * row), line, ink, ImageFont.load_default(24))
    return picture


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_words_that_are_words_on_their_head_are_read_as_the_page_stands(
    gateway_url: str, degrees: int
) -> None:
    page = text_picture(WORDS_EITHER_WAY, (420, 300)).rotate(degrees, expand=True)
    read = answered(gateway_url, SERVICE, encode(page, "PNG"))["detection_texts"]
    assert sorted(read) == sorted(WORDS_EITHER_WAY)


def test_a_line_of_any_length_is_read(gateway_url: str) -> None:
    read = answered(gateway_url, SERVICE, encode(text_picture((BANNER,), (4400, 60)), "PNG"))[
        "detection_texts"
    ]
    assert read == [BANNER.strip()]


def test_small_lines_of_a_tall_picture_are_read_and_lie_where_they_stand(gateway_url: str) -> None:
    tall = Image.new("RGB", (320, 9000), "white")
    for row, words in enumerate(WORDS):
        ImageDraw.Draw(tall).text((20, 300 + 4100 * row), words, "black", ImageFont.load_default(14))
    fields = answered(gateway_url, SERVICE, encode(tall, "PNG"))
    assert fields["detection_texts"] == list(WORDS)
    tops = [box[0] for box in fields["detection_boxes"]]
    np.testing.assert_allclose(tops, [300, 4400, 8500], atol=8)


def test_white_text_on_a_transparent_ground_is_read(gateway_url: str) -> None:
    label = text_picture(WORDS, (300, 160), "RGBA", "white")
    assert answered(gateway_url, SERVICE, encode(label, "PNG"))["detection_texts"] == list(WORDS)
