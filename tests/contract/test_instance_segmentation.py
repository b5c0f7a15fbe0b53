"""`instance_segmentation` field by field."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.contract.calls import answered, assert_seen_upright, blank, of_twelve_megapixels, validated
from tests.hazards import Hazard, every_answered
from vision.masks import pixels_within
from vision.rle import Mask, decode

SERVICE = "instance_segmentation"
DETECTIONS = {"detection_boxes", "detection_scores", "detection_classes", "detection_class_names"}
FIELDS = DETECTIONS | {"detection_masks"}
PICTURES = ("astronaut.png", "chelsea.png", "coffee.png")


def masks(fields: dict[str, Any]) -> list[Mask]:
    return [
        decode(np.array(mask["counts"], dtype=np.int32), tuple(mask["size"]))
        for mask in fields["detection_masks"]
    ]


def mask_of(fields: dict[str, Any], name: str) -> Mask:
    """The mask of the surest thing of that name."""
    names: list[str] = fields["detection_class_names"]
    return masks(fields)[names.index(name)]


@pytest.mark.parametrize("name", PICTURES)
def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    assert fields.keys() == FIELDS | {"request_id", "success"}
    answer = validated(SERVICE, fields)
    count = len(answer.detection_boxes)
    assert count
    assert {len(fields[field]) for field in FIELDS} == {count}
    with Image.open(sample_pictures / name) as image:
        assert all(mask.size == [image.height, image.width] for mask in answer.detection_masks)
        assert all(sum(mask.counts) == image.height * image.width for mask in answer.detection_masks)
    assert all(min(mask.counts[1:]) > 0 for mask in answer.detection_masks)


@pytest.mark.parametrize("name", PICTURES)
def test_detections_are_those_of_object_detection(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    expected = answered(gateway_url, "object_detection", sample_pictures / name)
    assert {field: fields[field] for field in DETECTIONS} == {field: expected[field] for field in DETECTIONS}


@pytest.mark.parametrize("name", PICTURES)
def test_masks_lie_in_their_boxes(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    for mask, box in zip(masks(fields), fields["detection_boxes"], strict=True):
        assert mask.any()
        assert mask.sum() == mask[pixels_within(np.array(box), *mask.shape)].sum()


def test_the_astronaut_is_her_mask(gateway_url: str, sample_pictures: Path) -> None:
    mask = mask_of(answered(gateway_url, SERVICE, sample_pictures / "astronaut.png"), "person")
    assert mask[60:180, 195:250].mean() > 0.95  # her face
    assert mask[420:500, 150:300].mean() > 0.9  # her suit
    assert mask[:100, :100].mean() < 0.05  # the flag


def test_the_cat_is_its_mask(gateway_url: str, sample_pictures: Path) -> None:
    mask = mask_of(answered(gateway_url, SERVICE, sample_pictures / "chelsea.png"), "cat")
    assert mask[100:200, 150:300].mean() > 0.95
    assert mask[60:95, 395:407].mean() < 0.2  # beside its ear, in its box


def test_a_blank_picture_is_answered_with_empty_lists(gateway_url: str) -> None:
    fields = answered(gateway_url, SERVICE, blank(320, 240))
    assert fields.keys() == FIELDS | {"request_id", "success"}
    assert all(fields[field] == [] for field in FIELDS)


@every_answered
def test_masks_have_the_upright_pictures_size(gateway_url: str, hazard: Hazard) -> None:
    fields = answered(gateway_url, SERVICE, hazard.make())
    validated(SERVICE, fields)
    assert all(mask.shape == hazard.upright[::-1] for mask in masks(fields))


def test_a_picture_on_its_side_is_seen_upright(gateway_url: str, sample_pictures: Path) -> None:
    assert_seen_upright(gateway_url, SERVICE, sample_pictures / "chelsea.png", FIELDS)


@pytest.mark.usefixtures("under_load")
def test_twelve_megapixels_have_masks_of_their_size(gateway_url: str, sample_pictures: Path) -> None:
    """Regions are cut from a smaller copy; the masks are of the picture that was sent all the same."""
    picture = sample_pictures / "chelsea.png"
    small = mask_of(answered(gateway_url, SERVICE, picture), "cat")
    mask = mask_of(answered(gateway_url, SERVICE, of_twelve_megapixels(picture)), "cat")
    assert mask.shape == (3000, 4000)
    height, width = small.shape
    shrunk = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
    assert (shrunk & small).sum() / (shrunk | small).sum() > 0.9
