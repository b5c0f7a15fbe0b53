"""`image_similarity` field by field."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from gateway.schemas import Failure
from tests import web
from tests.contract.calls import TIMEOUT_S, refused, validated
from tests.hazards import encode

NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "china.jpg", "flower.jpg")


def post(gateway_url: str, **pictures: bytes) -> httpx.Response:
    body = {field: base64.b64encode(picture).decode() for field, picture in pictures.items()}
    url = f"{gateway_url}/api/predict/image_similarity"
    return web.post(url, json=body, timeout=TIMEOUT_S)


def compare(gateway_url: str, one: bytes, other: bytes) -> dict[str, Any]:
    response = post(gateway_url, imagea=one, imageb=other)
    assert response.status_code == 200, response.text
    fields: dict[str, Any] = response.json()
    return fields


def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path) -> None:
    one, other = ((sample_pictures / name).read_bytes() for name in NAMES[:2])
    fields = compare(gateway_url, one, other)
    assert fields.keys() == {"similarity", "l2_distance", "request_id", "success"}
    validated("image_similarity", fields)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_and_itself_give_100(gateway_url: str, sample_pictures: Path, name: str) -> None:
    file = (sample_pictures / name).read_bytes()
    fields = compare(gateway_url, file, file)
    assert fields["similarity"] == 100
    assert fields["l2_distance"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_smaller_copy_is_the_same_picture(gateway_url: str, sample_pictures: Path, name: str) -> None:
    picture = Image.open(sample_pictures / name).convert("RGB")
    copy = encode(picture.resize((picture.width // 2, picture.height // 2)), "JPEG", quality=60)
    assert compare(gateway_url, (sample_pictures / name).read_bytes(), copy)["similarity"] >= 80


@pytest.mark.parametrize("name", NAMES[1:])
def test_other_pictures_are_other_pictures_either_way_round(
    gateway_url: str, sample_pictures: Path, name: str
) -> None:
    one, other = ((sample_pictures / file).read_bytes() for file in (NAMES[0], name))
    forth, back = compare(gateway_url, one, other), compare(gateway_url, other, one)
    assert forth["similarity"] < 80
    assert forth["l2_distance"] == pytest.approx(back["l2_distance"], abs=1e-5)


@pytest.mark.parametrize("missing", ["imagea", "imageb"])
def test_either_picture_missing_is_40002(gateway_url: str, sample_pictures: Path, missing: str) -> None:
    pictures = dict.fromkeys({"imagea", "imageb"} - {missing}, (sample_pictures / NAMES[0]).read_bytes())
    failure = Failure.model_validate(post(gateway_url, **pictures).json())
    assert failure.error_code == 40002
    assert missing in failure.error_msg


@pytest.mark.parametrize("bad", ["imagea", "imageb"])
def test_either_picture_undecodable_is_40004(gateway_url: str, sample_pictures: Path, bad: str) -> None:
    pictures = dict.fromkeys(("imagea", "imageb"), (sample_pictures / NAMES[0]).read_bytes())
    failure = Failure.model_validate(post(gateway_url, **{**pictures, bad: b"\x00 no picture"}).json())
    assert failure.error_code == 40004


def test_either_picture_may_be_at_a_url_which_is_refused_by_its_field(
    gateway_url: str, sample_pictures: Path
) -> None:
    image = base64.b64encode((sample_pictures / NAMES[0]).read_bytes()).decode()
    for body, field in (
        ({"imagea": image, "inputb": {"url": "http://10.0.0.1/"}}, "inputb"),
        ({"inputa": {"url": "file:///etc/passwd"}, "imageb": image}, "inputa"),
    ):
        url = f"{gateway_url}/api/predict/image_similarity"
        response = web.post(url, json=body, timeout=TIMEOUT_S)
        assert refused(response, 40005).error_msg.startswith(f"{field}: ")


def test_100_is_for_the_same_pixels_alone(gateway_url: str, sample_pictures: Path) -> None:
    picture = Image.open(sample_pictures / NAMES[0]).convert("RGB")
    file = encode(picture, "PNG")
    assert compare(gateway_url, file, encode(picture, "WEBP", lossless=True))["similarity"] == 100
    copy = compare(gateway_url, file, encode(picture, "JPEG", quality=95))
    assert 80 <= copy["similarity"] < 100
    assert copy["l2_distance"] > 0


def test_pictures_that_differ_at_their_ends_are_different(gateway_url: str) -> None:
    one = Image.new("RGB", (1200, 300), "white")
    other = one.copy()
    other.paste("darkred", (1000, 0, 1200, 300))
    for turned in (False, True):
        files = (encode(picture.rotate(90 * turned, expand=True), "PNG") for picture in (one, other))
        assert compare(gateway_url, *files)["similarity"] < 80
