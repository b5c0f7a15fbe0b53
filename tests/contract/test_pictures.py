"""`Accept: image/...` and the real nets: every service draws as the client draws, and refuses in JSON."""

import base64
import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from demo.samples import requests
from gateway.drawing import MAX_SIDE
from gateway.services import SERVICES
from modelhub.present import annotate
from modelhub.present.canvas import reduced
from tests import web
from tests.contract.calls import TIMEOUT_S, of_twelve_megapixels, refused
from tests.hazards import Hazard, every_answered

PNG = {"Accept": "image/png"}


def body(files: list[bytes]) -> dict[str, str]:
    names = ("image",) if len(files) == 1 else ("imagea", "imageb")
    return {name: base64.b64encode(file).decode() for name, file in zip(names, files, strict=True)}


def post(gateway_url: str, service: str, files: list[bytes], headers: dict[str, str]) -> httpx.Response:
    url = f"{gateway_url}/api/predict/{service}"
    return web.post(url, json=body(files), headers=headers, timeout=TIMEOUT_S)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_draws_what_the_client_draws(gateway_url: str, service: str) -> None:
    _, files = next(requests(service))
    answer = post(gateway_url, service, files, {}).json()
    response = post(gateway_url, service, files, PNG)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    assert "Accept" in response.headers["vary"]
    assert len(response.headers["x-request-id"]) == 32
    assert "draw;dur=" in response.headers["server-timing"]
    drawn = np.asarray(Image.open(io.BytesIO(response.content)))
    pictures = [Image.open(io.BytesIO(file)) for file in files]
    assert np.array_equal(drawn, np.asarray(annotate(service, answer, *pictures)))


@pytest.mark.parametrize(("accept", "form"), [("image/jpeg", "JPEG"), ("image/*;q=0.9, image/webp", "WEBP")])
def test_the_type_is_as_asked_for(gateway_url: str, sample_pictures: Path, accept: str, form: str) -> None:
    files = [(sample_pictures / "coffee.png").read_bytes()]
    response = post(gateway_url, "object_detection", files, {"Accept": accept})
    with Image.open(io.BytesIO(response.content)) as drawn:
        assert drawn.format == form
        assert response.headers["content-type"] == Image.MIME[form]


@every_answered
def test_every_picture_that_is_answered_is_drawn_upright(gateway_url: str, hazard: Hazard) -> None:
    response = post(gateway_url, "semantic_segmentation", [hazard.make()], PNG)
    assert response.status_code == 200, response.text
    with Image.open(io.BytesIO(response.content)) as drawn:
        assert drawn.size == reduced(Image.new("1", hazard.upright), MAX_SIDE).size


@pytest.mark.usefixtures("under_load")
def test_twelve_megapixels_are_drawn_smaller(gateway_url: str, sample_pictures: Path) -> None:
    file = of_twelve_megapixels(sample_pictures / "astronaut.png")
    for service in ("semantic_segmentation", "instance_segmentation", "foreground_segmentation", "ocr"):
        response = post(gateway_url, service, [file], PNG)
        with Image.open(io.BytesIO(response.content)) as drawn:
            assert drawn.size == (2048, 1536)


@pytest.mark.parametrize("service", SERVICES)
def test_a_refusal_is_json(gateway_url: str, service: str) -> None:
    files = [b"no picture"] * len(SERVICES[service].pictures)
    refused(post(gateway_url, service, files, PNG), 40004)
