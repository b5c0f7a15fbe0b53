"""`object_detection` field by field."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.contract.calls import answered, assert_seen_upright, blank, validated
from tests.hazards import encode

SERVICE = "object_detection"
FIELDS = {"detection_boxes", "detection_scores", "detection_classes", "detection_class_names"}
PICTURES = ("astronaut.png", "chelsea.png", "coffee.png")
IDS = {"person": 1, "cat": 17, "cup": 47, "dining table": 67}
"""COCO's own category ids."""


@pytest.mark.parametrize("name", PICTURES)
def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    assert fields.keys() == FIELDS | {"request_id", "success"}
    answer = validated(SERVICE, fields)
    count = len(answer.detection_boxes)
    assert count
    assert {len(fields[field]) for field in FIELDS} == {count}
    assert answer.detection_scores == sorted(answer.detection_scores, reverse=True)
    assert min(answer.detection_scores) > 0.3
    assert all(isinstance(side, float) for box in fields["detection_boxes"] for side in box)


@pytest.mark.parametrize("name", PICTURES)
def test_boxes_lie_in_the_picture(gateway_url: str, sample_pictures: Path, name: str) -> None:
    boxes = np.array(answered(gateway_url, SERVICE, sample_pictures / name)["detection_boxes"])
    with Image.open(sample_pictures / name) as image:
        width, height = image.size
    assert (boxes >= 0).all()
    assert (boxes <= [height, width, height, width]).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()


@pytest.mark.parametrize(
    ("name", "expected"), [("astronaut.png", "person"), ("chelsea.png", "cat"), ("coffee.png", "cup")]
)
def test_what_is_shown_is_named(gateway_url: str, sample_pictures: Path, name: str, expected: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    named = dict(zip(fields["detection_class_names"], fields["detection_classes"], strict=True))
    assert expected in named
    assert {one: IDS[one] for one in named if one in IDS} == {one: named[one] for one in named if one in IDS}


def test_a_box_surrounds_its_object(gateway_url: str, sample_pictures: Path) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / "astronaut.png")
    top, left, bottom, right = fields["detection_boxes"][fields["detection_class_names"].index("person")]
    assert max(top - 60, left - 170) < 0  # her face, in a picture of 512 x 512
    assert min(bottom - 140, right - 280) > 0


@pytest.mark.parametrize("service", [SERVICE, "instance_segmentation"])
def test_things_of_a_long_picture_are_found_as_in_each_part(
    gateway_url: str, sample_pictures: Path, service: str
) -> None:
    with Image.open(sample_pictures / "chelsea.png") as image:
        part = np.asarray(image.convert("RGB").resize((320, 240)))
    long = Image.fromarray(np.concatenate([part] * 3, axis=1))
    names = answered(gateway_url, service, encode(long, "PNG"))["detection_class_names"]
    assert names.count("cat") == 3


def test_a_blank_picture_is_answered_with_empty_lists(gateway_url: str) -> None:
    fields = answered(gateway_url, SERVICE, blank(320, 240))
    assert fields.keys() == FIELDS | {"request_id", "success"}
    assert all(fields[field] == [] for field in FIELDS)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 400), (400, 1), (2500, 10), (3000, 2600)])
def test_pictures_of_any_shape_are_answered(gateway_url: str, width: int, height: int) -> None:
    validated(SERVICE, answered(gateway_url, SERVICE, blank(width, height)))


def test_a_large_picture_shows_what_a_small_one_does(gateway_url: str, sample_pictures: Path) -> None:
    """Beyond 2400 pixels a side it is reduced first; boxes still refer to the picture that was sent."""
    with Image.open(sample_pictures / "chelsea.png") as small:
        large = small.convert("RGB").resize((small.width * 6, small.height * 6), Image.Resampling.BICUBIC)
    fields = answered(gateway_url, SERVICE, encode(large, "JPEG", quality=95))
    expected = answered(gateway_url, SERVICE, sample_pictures / "chelsea.png")
    assert fields["detection_class_names"][0] == expected["detection_class_names"][0] == "cat"
    np.testing.assert_allclose(
        fields["detection_boxes"][0], np.array(expected["detection_boxes"][0]) * 6, atol=90
    )


def test_a_picture_on_its_side_is_seen_upright(gateway_url: str, sample_pictures: Path) -> None:
    assert_seen_upright(gateway_url, SERVICE, sample_pictures / "chelsea.png", FIELDS)
