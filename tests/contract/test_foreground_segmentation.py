"""`foreground_segmentation` field by field."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import web
from tests.contract.calls import TIMEOUT_S, answered, on_its_side, refused, validated
from tests.hazards import Hazard, encode, every_answered

SERVICE = "foreground_segmentation"
FIELDS = {"human_ratio", "mask"}


def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / "astronaut.png")
    assert fields.keys() == FIELDS | {"request_id", "success"}
    answer = validated(SERVICE, fields)
    mask = np.array(answer.mask)
    with Image.open(sample_pictures / "astronaut.png") as image:
        assert mask.shape == (image.height, image.width)
    assert set(np.unique(mask)) == {0, 1}
    assert float(answer.human_ratio) == pytest.approx(mask.mean(), abs=1e-6)


def test_the_astronaut_is_foreground_and_the_flag_behind_her_is_not(
    gateway_url: str, sample_pictures: Path
) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / "astronaut.png")
    mask = np.array(fields["mask"])
    assert 0.4 < float(fields["human_ratio"]) < 0.7
    assert mask[60:180, 195:250].all()  # her face
    assert mask[260:440, 120:240].mean() > 0.98  # her suit
    assert not mask[:120, :80].any()


@every_answered
def test_the_mask_has_the_upright_pictures_size(gateway_url: str, hazard: Hazard) -> None:
    fields = answered(gateway_url, SERVICE, hazard.make())
    assert np.array(fields["mask"]).shape == hazard.upright[::-1]


def test_a_picture_without_people_is_answered_with_zeros(gateway_url: str) -> None:
    fields = answered(gateway_url, SERVICE, encode(Image.new("RGB", (64, 48)), "PNG"))
    assert float(fields["human_ratio"]) == 0
    assert not np.any(fields["mask"])


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "flower.jpg", "rocket.jpg"])
def test_cats_cups_and_flowers_are_no_people(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    assert float(fields["human_ratio"]) < 0.02


def test_a_picture_on_its_side_is_cut_out_upright(gateway_url: str, sample_pictures: Path) -> None:
    turned = answered(gateway_url, SERVICE, on_its_side(sample_pictures / "astronaut.png"))
    straight = answered(gateway_url, SERVICE, sample_pictures / "astronaut.png")
    assert turned["mask"] == straight["mask"]


@pytest.mark.usefixtures("under_load")
def test_twelve_megapixels_are_answered_in_full(gateway_url: str, sample_pictures: Path) -> None:
    with Image.open(sample_pictures / "astronaut.png") as picture:
        large = picture.convert("RGB").resize((4000, 3000))
    fields = answered(gateway_url, SERVICE, encode(large, "JPEG"))
    mask = np.array(fields["mask"], dtype=np.uint8)
    assert mask.shape == (3000, 4000)
    assert 0.4 < mask.mean() < 0.7


@pytest.mark.parametrize(
    "body", ["{}", '{"input": {}}', '{"input": "http://a/b.png"}', '{"input": {"url": 7}}']
)
def test_a_missing_or_wrong_url_is_refused(gateway_url: str, body: str) -> None:
    url = f"{gateway_url}/api/predict/{SERVICE}"
    refused(web.post(url, content=body, timeout=TIMEOUT_S), 40002)
