"""Requests to a live system, with what is true of every answer checked on the way."""

import base64
import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from gateway.schemas import Failure
from gateway.services import SERVICES
from tests import web
from tests.hazards import encode

TIMEOUT_S = 60.0


def post(gateway_url: str, service: str, picture: bytes) -> httpx.Response:
    """Send one picture file as the page says."""
    body = {"image": base64.b64encode(picture).decode("ascii")}
    return web.post(f"{gateway_url}/api/predict/{service}", json=body, timeout=TIMEOUT_S)


def answered(gateway_url: str, service: str, picture: bytes | Path) -> dict[str, Any]:
    """Return the answer to a picture that can be answered.

    A picture is asked about once: each of the tests that look at its answer gets a copy.
    """
    content = picture.read_bytes() if isinstance(picture, Path) else picture
    fields: dict[str, Any] = asked(gateway_url, service, content).json()
    return fields


@functools.lru_cache(maxsize=64)
def asked(gateway_url: str, service: str, picture: bytes) -> httpx.Response:
    """Return the response to a picture that can be answered."""
    response = post(gateway_url, service, picture)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/json")
    fields: dict[str, Any] = response.json()
    assert fields["success"] is True
    assert re.fullmatch("[0-9a-f]{32}", fields["request_id"])
    assert response.headers["x-request-id"] == fields["request_id"]
    return response


def validated(service: str, fields: dict[str, Any]) -> Any:  # noqa: ANN401 - a model made of the description
    """Return the answer as the model of pydantic that OpenAPI consists of."""
    return SERVICES[service].answer.model_validate(fields)


def refused(response: httpx.Response, code: int) -> Failure:
    """Return the failure, which is `code` and has no field but the common ones."""
    assert response.status_code == code // 100, response.text
    assert response.json().keys() == {"request_id", "success", "error_code", "error_msg"}
    failure = Failure.model_validate_json(response.content)
    assert failure.error_code == code
    assert failure.error_msg
    assert response.headers["x-request-id"] == failure.request_id
    for inside in ("Traceback", "tritonclient", "StatusCode", "ensemble", ".py"):
        assert inside not in failure.error_msg
    return failure


def on_its_side(picture: Path) -> bytes:
    """Return a file in which `picture` lies on its side and which viewers show upright."""
    with Image.open(picture) as upright:
        sideways = upright.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned a quarter clockwise
    return encode(sideways, "PNG", exif=exif)


def assert_seen_upright(gateway_url: str, service: str, picture: Path, fields: Iterable[str]) -> None:
    """The picture on its side has these fields in its answer as the picture itself has."""
    turned = answered(gateway_url, service, on_its_side(picture))
    straight = answered(gateway_url, service, picture)
    assert {field: turned[field] for field in fields} == {field: straight[field] for field in fields}


def of_twelve_megapixels(picture: Path) -> bytes:
    """Return the picture enlarged to 4000 x 3000, as JPEG."""
    with Image.open(picture) as small:
        large = small.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC)
    return encode(large, "JPEG", quality=95)


def blank(width: int, height: int) -> bytes:
    """Return a white picture, as PNG."""
    return encode(Image.new("RGB", (width, height), "white"), "PNG")
