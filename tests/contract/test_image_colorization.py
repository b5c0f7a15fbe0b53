"""`image_colorization` field by field."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.contract.calls import answered, validated
from tests.hazards import Hazard, encode, every_answered

SERVICE = "image_colorization"
FIELDS = {"out_image", "request_id", "success"}


def coloured(gateway_url: str, picture: bytes) -> Image.Image:
    """Return the answer's picture."""
    file = base64.b64decode(answered(gateway_url, SERVICE, picture)["out_image"], validate=True)
    return Image.open(io.BytesIO(file))


def levels(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture, dtype=np.int16)


def greyed(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("L")


def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path) -> None:
    fields = answered(gateway_url, SERVICE, encode(greyed(sample_pictures / "astronaut.png"), "PNG"))
    assert fields.keys() == FIELDS
    answer = validated(SERVICE, fields)
    picture = Image.open(io.BytesIO(base64.b64decode(answer.out_image, validate=True)))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (512, 512))


@pytest.mark.parametrize("name", ["astronaut.png", "china.jpg", "camera.png"])
def test_a_grey_picture_gets_colours_and_keeps_its_luma(
    name: str, gateway_url: str, sample_pictures: Path
) -> None:
    grey = greyed(sample_pictures / name)
    picture = coloured(gateway_url, encode(grey, "PNG"))
    assert picture.size == grey.size
    change = np.abs(levels(picture.convert("L")) - levels(grey))
    assert change.mean() < 1.5
    assert np.percentile(change, 99) <= 5
    luma, *chroma = np.moveaxis(levels(picture.convert("YCbCr")), 2, 0)
    assert luma.std() > 20
    assert np.hypot(*(plane - 128 for plane in chroma)).mean() > 3


def test_skin_is_warm_and_the_sky_is_not(gateway_url: str, sample_pictures: Path) -> None:
    face = levels(coloured(gateway_url, encode(greyed(sample_pictures / "astronaut.png"), "PNG")))[
        70:160, 200:250
    ]
    assert face[..., 0].mean() > face[..., 2].mean() + 10


def test_colours_that_are_there_already_are_not_looked_at(gateway_url: str, sample_pictures: Path) -> None:
    with Image.open(sample_pictures / "coffee.png") as picture:
        of_colours = coloured(gateway_url, encode(picture.convert("RGB"), "PNG"))
    of_greys = coloured(gateway_url, encode(greyed(sample_pictures / "coffee.png"), "PNG"))
    assert (levels(of_colours) == levels(of_greys)).all()


@every_answered
def test_the_answer_has_the_upright_pictures_size(gateway_url: str, hazard: Hazard) -> None:
    assert coloured(gateway_url, hazard.make()).size == hazard.upright


def test_black_and_white_cannot_be_coloured(gateway_url: str) -> None:
    for level in (0, 255):
        picture = coloured(gateway_url, encode(Image.new("L", (64, 48), level), "PNG"))
        assert np.abs(levels(picture) - level).max() <= 1


@pytest.mark.usefixtures("under_load")
def test_twelve_megapixels_are_answered_in_full(gateway_url: str, sample_pictures: Path) -> None:
    grey = greyed(sample_pictures / "china.jpg").resize((4000, 3000))
    picture = coloured(gateway_url, encode(grey, "JPEG"))
    assert picture.size == (4000, 3000)
    assert np.abs(levels(picture.convert("L")) - levels(grey)).mean() < 2
