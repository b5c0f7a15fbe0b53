"""`semantic_segmentation` field by field."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelhub_pictures.voc import VOC_CLASSES
from tests.contract.calls import answered, assert_seen_upright, blank, of_twelve_megapixels, validated
from tests.hazards import Hazard, every_answered

SERVICE = "semantic_segmentation"
FIELDS = {"probs", "preds"}
CAT, PERSON = VOC_CLASSES.index("cat"), VOC_CLASSES.index("person")


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png"])
def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    assert fields.keys() == FIELDS | {"request_id", "success"}
    answer = validated(SERVICE, fields)
    with Image.open(sample_pictures / name) as image:
        assert np.shape(answer.probs) == np.shape(answer.preds) == (image.height, image.width)
    probs = np.array(answer.probs)
    assert probs.min() >= round(1 / len(VOC_CLASSES), 4)
    np.testing.assert_array_equal(probs, probs.round(4))
    assert all(type(value) is float for value in fields["probs"][0])
    assert all(type(value) is int for value in fields["preds"][0])


def test_the_astronaut_is_a_person(gateway_url: str, sample_pictures: Path) -> None:
    preds = np.array(answered(gateway_url, SERVICE, sample_pictures / "astronaut.png")["preds"])
    assert (preds[60:180, 195:250] == PERSON).mean() > 0.95  # her face
    assert (preds[420:, 150:350] == PERSON).mean() > 0.75  # her suit
    assert (preds[:100, :60] != PERSON).all()


def test_the_cat_is_a_cat(gateway_url: str, sample_pictures: Path) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / "chelsea.png")
    face = np.s_[100:200, 150:300]
    assert (np.array(fields["preds"])[face] == CAT).mean() > 0.95
    assert np.array(fields["probs"])[face].mean() > 0.6


@every_answered
def test_the_lists_have_the_upright_pictures_size(gateway_url: str, hazard: Hazard) -> None:
    fields = answered(gateway_url, SERVICE, hazard.make())
    assert np.shape(fields["preds"]) == np.shape(fields["probs"]) == hazard.upright[::-1]


def test_a_blank_picture_is_background(gateway_url: str) -> None:
    fields = answered(gateway_url, SERVICE, blank(64, 48))
    assert not np.any(fields["preds"])


def test_a_picture_on_its_side_is_seen_upright(gateway_url: str, sample_pictures: Path) -> None:
    assert_seen_upright(gateway_url, SERVICE, sample_pictures / "chelsea.png", FIELDS)


@pytest.mark.usefixtures("under_load")
def test_twelve_megapixels_are_answered_in_full(gateway_url: str, sample_pictures: Path) -> None:
    picture = sample_pictures / "chelsea.png"
    small = np.array(answered(gateway_url, SERVICE, picture)["preds"])
    fields = answered(gateway_url, SERVICE, of_twelve_megapixels(picture))
    preds = np.array(fields["preds"], dtype=np.uint8)
    assert preds.shape == np.shape(fields["probs"]) == (3000, 4000)
    height, width = small.shape
    shrunk = np.asarray(Image.fromarray(preds).resize((width, height), Image.Resampling.NEAREST))
    assert (shrunk == small).mean() > 0.95
