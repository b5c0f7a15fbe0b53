"""`?mask_format=` against the real nets: every form says what the documented answer says."""

import base64
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from modelhub.masks import classes_of_pixels, decoded
from tests import web
from tests.contract.calls import TIMEOUT_S, answered, of_twelve_megapixels, on_its_side, refused
from vision.mask_formats import MASK_FORMATS

MASKED = ("semantic_segmentation", "foreground_segmentation", "instance_segmentation")
ASTRONAUT = "astronaut.png"

every_form = pytest.mark.parametrize("form", MASK_FORMATS)


def asked(gateway_url: str, service: str, picture: bytes, query: str) -> httpx.Response:
    body = {"image": base64.b64encode(picture).decode()}
    url = f"{gateway_url}/api/predict/{service}?{query}"
    return web.post(url, json=body, timeout=TIMEOUT_S)


def in_form(gateway_url: str, service: str, picture: bytes, form: str) -> dict[str, Any]:
    response = asked(gateway_url, service, picture, f"mask_format={form}")
    assert response.status_code == 200, response.text
    fields: dict[str, Any] = response.json()
    return fields


@every_form
def test_people_are_the_same_pixels(gateway_url: str, sample_pictures: Path, form: str) -> None:
    picture = (sample_pictures / ASTRONAUT).read_bytes()
    plain = answered(gateway_url, "foreground_segmentation", picture)
    fields = in_form(gateway_url, "foreground_segmentation", picture, form)
    assert fields["human_ratio"] == plain["human_ratio"]
    assert np.array_equal(decoded(fields["mask"]), plain["mask"])


@every_form
def test_things_are_the_same_pixels(gateway_url: str, sample_pictures: Path, form: str) -> None:
    picture = (sample_pictures / "coffee.png").read_bytes()
    plain = answered(gateway_url, "instance_segmentation", picture)
    fields = in_form(gateway_url, "instance_segmentation", picture, form)
    assert fields["detection_boxes"] == plain["detection_boxes"]
    assert plain["detection_masks"]
    for mask, one in zip(fields["detection_masks"], plain["detection_masks"], strict=True):
        assert np.array_equal(decoded(mask), decoded(one))


@every_form
def test_classes_are_the_same_pixels(gateway_url: str, sample_pictures: Path, form: str) -> None:
    picture = (sample_pictures / ASTRONAUT).read_bytes()
    plain = answered(gateway_url, "semantic_segmentation", picture)
    fields = in_form(gateway_url, "semantic_segmentation", picture, form)
    preds, probs = classes_of_pixels(fields)
    assert np.array_equal(preds, plain["preds"])
    if form == "png":
        assert np.abs(probs - np.array(plain["probs"])).max() <= 0.5 / 255 + 1e-6
    else:
        for region in fields["preds"]:
            where = preds == region["class"]
            assert region["prob"] == pytest.approx(np.array(plain["probs"])[where].mean(), abs=1e-6)


def test_cocos_own_tools_read_every_things_mask(gateway_url: str, sample_pictures: Path) -> None:
    picture = (sample_pictures / ASTRONAUT).read_bytes()
    plain = answered(gateway_url, "instance_segmentation", picture)
    fields = in_form(gateway_url, "instance_segmentation", picture, "coco_rle")
    for mask, one in zip(fields["detection_masks"], plain["detection_masks"], strict=True):
        assert np.array_equal(coco.decode(mask), decoded(one))


@pytest.mark.parametrize("service", MASKED)
def test_a_picture_on_its_side_has_upright_masks(
    gateway_url: str, sample_pictures: Path, service: str
) -> None:
    file = sample_pictures / "chelsea.png"
    turned = in_form(gateway_url, service, on_its_side(file), "polygon")
    straight = in_form(gateway_url, service, file.read_bytes(), "polygon")
    assert turned | {"request_id": ""} == straight | {"request_id": ""}


@pytest.mark.usefixtures("under_load")
def test_twelve_megapixels_are_a_fiftieth_of_the_lists(gateway_url: str, sample_pictures: Path) -> None:
    picture = of_twelve_megapixels(sample_pictures / ASTRONAUT)
    response = asked(gateway_url, "semantic_segmentation", picture, "mask_format=png")
    fields = response.json()
    with Image.open(io.BytesIO(base64.b64decode(fields["preds"]))) as preds:
        assert (preds.size, preds.mode) == ((4000, 3000), "L")
    least = 10 * 12_000_000  # of the lists: a comma and four decimals, a comma and a digit
    assert len(response.content) <= least / 50


@pytest.mark.parametrize("service", MASKED)
def test_another_form_is_refused(gateway_url: str, sample_pictures: Path, service: str) -> None:
    picture = (sample_pictures / ASTRONAUT).read_bytes()
    failure = refused(asked(gateway_url, service, picture, "mask_format=svg"), 40002)
    assert all(form in failure.error_msg for form in MASK_FORMATS)


def test_a_service_without_masks_refuses_the_question(gateway_url: str, sample_pictures: Path) -> None:
    picture = (sample_pictures / ASTRONAUT).read_bytes()
    failure = refused(asked(gateway_url, "ocr", picture, "mask_format=png"), 40002)
    assert all(service in failure.error_msg for service in MASKED)
