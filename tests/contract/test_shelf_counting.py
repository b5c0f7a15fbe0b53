"""`shelf_counting` field by field."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.shelves.products import names
from evaluation.shelves.renderer import Shelf
from tests.contract.calls import answered, blank, on_its_side, validated
from tests.hazards import encode
from training.shelf.sample import SAMPLE, sample
from vision.nms import overlaps

SERVICE = "shelf_counting"
LISTS = {"detection_boxes", "detection_scores", "detection_classes", "detection_class_names"}
FIELDS = LISTS | {"product_count", "ori_img_shape"}


@pytest.fixture(scope="module")
def fields(gateway_url: str) -> dict[str, Any]:
    return answered(gateway_url, SERVICE, SAMPLE)


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """What is on the sample."""
    return sample()[1]


def test_every_field_is_as_documented(fields: dict[str, Any]) -> None:
    assert fields.keys() == FIELDS | {"request_id", "success"}
    answer = validated(SERVICE, fields)
    assert len({len(fields[field]) for field in LISTS}) == 1
    assert answer.detection_scores == sorted(answer.detection_scores, reverse=True)
    assert all(isinstance(side, float) for box in fields["detection_boxes"] for side in box)


def test_the_shape_and_the_boxes_are_the_pictures(fields: dict[str, Any]) -> None:
    with Image.open(SAMPLE) as picture:
        width, height = picture.size
    assert fields["ori_img_shape"] == [height, width]
    boxes = np.array(fields["detection_boxes"])
    assert (boxes >= 0).all()
    assert (boxes <= [height, width, height, width]).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()


def test_the_counts_are_of_the_names_in_order_of_appearance(fields: dict[str, Any]) -> None:
    found = fields["detection_class_names"]
    assert list(fields["product_count"].items()) == list(Counter(found).items())


def test_two_shelves_abreast_have_twice_the_products(gateway_url: str, fields: dict[str, Any]) -> None:
    with Image.open(SAMPLE) as picture:
        two = Image.fromarray(np.concatenate([np.asarray(picture)] * 2, axis=1))
    found = answered(gateway_url, SERVICE, encode(two, "PNG"))
    assert len(found["detection_boxes"]) == pytest.approx(2 * len(fields["detection_boxes"]), rel=0.05)


def test_classes_and_names_are_the_products(fields: dict[str, Any]) -> None:
    pairs = zip(fields["detection_classes"], fields["detection_class_names"], strict=True)
    assert all(names()[number] == name for number, name in pairs)


def test_three_hundred_products_come_through(fields: dict[str, Any], shelf: Shelf) -> None:
    there = len(shelf.boxes)
    assert there >= 300
    assert len(fields["detection_boxes"]) == pytest.approx(there, rel=0.03)
    boxes = np.array(fields["detection_boxes"], dtype=np.float32)
    best = np.array([overlaps(box, boxes).max() for box in shelf.boxes])
    assert (best > 0.5).mean() >= 0.97


def test_they_are_named_as_they_are(fields: dict[str, Any], shelf: Shelf) -> None:
    boxes = np.array(fields["detection_boxes"], dtype=np.float32)
    found = [
        (overlaps(box, boxes).argmax(), one) for box, one in zip(shelf.boxes, shelf.classes, strict=True)
    ]
    right = [fields["detection_classes"][index] == one for index, one in found]
    assert np.mean(right) >= 0.9


@pytest.mark.parametrize("colour", ["white", "black", (114, 114, 114)])
def test_no_products_are_an_answer(gateway_url: str, colour: str | tuple[int, int, int]) -> None:
    fields = answered(gateway_url, SERVICE, encode(Image.new("RGB", (320, 240), colour), "PNG"))
    assert fields.keys() == FIELDS | {"request_id", "success"}
    assert all(fields[field] == [] for field in LISTS)
    assert fields["product_count"] == {}
    assert fields["ori_img_shape"] == [240, 320]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 400), (400, 1), (2500, 10), (3000, 2600)])
def test_pictures_of_any_shape_are_answered(gateway_url: str, width: int, height: int) -> None:
    fields = answered(gateway_url, SERVICE, blank(width, height))
    assert validated(SERVICE, fields).ori_img_shape == [height, width]


def test_a_large_picture_is_counted_as_a_small_one(gateway_url: str, fields: dict[str, Any]) -> None:
    with Image.open(SAMPLE) as small:
        large = small.resize((small.width * 3, small.height * 3), Image.Resampling.BICUBIC)
    enlarged = answered(gateway_url, SERVICE, encode(large, "JPEG", quality=90))
    assert len(enlarged["detection_boxes"]) == pytest.approx(len(fields["detection_boxes"]), rel=0.03)
    assert enlarged["ori_img_shape"] == [3 * side for side in fields["ori_img_shape"]]


def test_a_picture_on_its_side_is_seen_upright(gateway_url: str, fields: dict[str, Any]) -> None:
    with Image.open(SAMPLE) as upright:
        straight = encode(upright.convert("RGB"), "PNG")
    turned = answered(gateway_url, SERVICE, on_its_side(SAMPLE))
    expected = answered(gateway_url, SERVICE, straight)
    assert {field: turned[field] for field in FIELDS} == {field: expected[field] for field in FIELDS}
    assert turned["ori_img_shape"] == fields["ori_img_shape"]
