"""Every row of the error table that a caller can bring about in a healthy system."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.settings import Settings
from tests import web
from tests.conftest import StartGateway, free_ports
from tests.contract.calls import TIMEOUT_S, answered, post, refused
from tests.hazards import bomb, truncated

SERVICES = pytest.mark.parametrize("service", ["image_classification", "ocr"])


def send(gateway_url: str, service: str, content: bytes, **headers: str) -> httpx.Response:
    url = f"{gateway_url}/api/predict/{service}"
    return web.post(url, content=content, headers=headers, timeout=TIMEOUT_S)


@SERVICES
@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"3", b"{", b"\xff", b'{"image": NaN}', b"[" * 10_000]
)
def test_40001_not_a_json_object(gateway_url: str, service: str, content: bytes) -> None:
    refused(send(gateway_url, service, content), 40001)


@SERVICES
@pytest.mark.parametrize("fields", [b"{}", b'{"image": null}', b'{"image": 1}', b'{"image": ["AAAA"]}'])
def test_40002_a_field_is_missing_or_not_of_its_type(gateway_url: str, service: str, fields: bytes) -> None:
    refused(send(gateway_url, service, fields), 40002)


@SERVICES
@pytest.mark.parametrize("text", ["!", "AAAAA", "AA=A", "图"])
def test_40003_not_base64(gateway_url: str, service: str, text: str) -> None:
    refused(send(gateway_url, service, f'{{"image": "{text}"}}'.encode()), 40003)


@SERVICES
@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"\x00",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        truncated(),
        b"%PDF-1.7\n",
        b"BM",
    ],
    ids=["empty", "zero", "words", "svg", "truncated", "pdf", "stub"],
)
def test_40004_not_an_image(gateway_url: str, service: str, picture: bytes) -> None:
    refused(post(gateway_url, service, picture), 40004)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/pages", "/api/predict/none", "/api/predict/ocr/", "/api/predict/ocr_net"])
def test_40401_no_such_service(gateway_url: str, method: str, path: str) -> None:
    refused(web.request(method, gateway_url + path), 40401)


@SERVICES
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_40501_method_not_allowed(gateway_url: str, service: str, method: str) -> None:
    response = web.request(method, f"{gateway_url}/api/predict/{service}")
    refused(response, 40501)
    assert response.headers["allow"] == "POST"


@SERVICES
def test_41301_a_body_over_the_limit(gateway_url: str, service: str) -> None:
    refused(send(gateway_url, service, b" " * (Settings().max_body_bytes + 1)), 41301)


@SERVICES
def test_41302_more_pixels_than_the_limit_found_before_they_are_decoded(
    gateway_url: str, service: str
) -> None:
    refused(post(gateway_url, service, bomb()), 41302)


@SERVICES
def test_one_bad_picture_does_not_spoil_its_neighbours(
    gateway_url: str, sample_pictures: Path, service: str
) -> None:
    good = (sample_pictures / "coffee.png").read_bytes()
    expected = _without_id(post(gateway_url, service, good).json())
    assert expected["success"] is True
    for bad in (b"no picture", truncated()):
        refused(post(gateway_url, service, bad), 40004)
        assert _without_id(post(gateway_url, service, good).json()) == expected


def test_health(gateway_url: str) -> None:
    live = web.get(f"{gateway_url}/health/live")
    ready = web.get(f"{gateway_url}/health/ready", timeout=TIMEOUT_S)
    assert (live.status_code, ready.status_code) == (200, 200)
    services = ready.json()["services"]
    assert services.keys() >= {"image_classification", "ocr"}
    assert all(health["ready"] for health in services.values() if health["loaded"])


def _without_id(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "request_id"}


@SERVICES
@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://127.0.0.1:8001/", "http://[::1]/", "http://169.254.169.254/", "http://0/"],
)
def test_40005_a_url_that_policy_refuses(gateway_url: str, service: str, url: str) -> None:
    refused(send(gateway_url, service, f'{{"input": {{"url": "{url}"}}}}'.encode()), 40005)


@pytest.mark.parametrize("path", ["/health/live", "/nowhere"])
def test_42201_a_url_without_a_picture(another_gateway: StartGateway, path: str) -> None:
    (port,) = free_ports(1)
    url = another_gateway(port=port, url_allow=f"127.0.0.1:{port}")
    refused(send(url, "ocr", f'{{"input": {{"url": "{url}{path}"}}}}'.encode()), 42201)


def test_42901_too_many_requests_in_flight(another_gateway: StartGateway, sample_pictures: Path) -> None:
    url = another_gateway(max_in_flight=1)
    picture = (sample_pictures / "page.png").read_bytes()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: post(url, "ocr", picture), range(8)))
    turned_away = [response for response in responses if response.status_code != 200]
    assert 0 < len(turned_away) < 8
    for response in turned_away:
        refused(response, 42901)
        assert int(response.headers["retry-after"]) >= 1
    answered(url, "ocr", picture)


def test_50301_triton_is_not_there(another_gateway: StartGateway, sample_pictures: Path) -> None:
    url = another_gateway(triton_grpc_port=free_ports(1)[0])
    refused(post(url, "ocr", (sample_pictures / "page.png").read_bytes()), 50301)
    ready = web.get(f"{url}/health/ready", timeout=TIMEOUT_S)
    assert (ready.status_code, ready.json()["error_code"]) == (503, 50301)


def test_50401_the_deadline_passes(another_gateway: StartGateway, sample_pictures: Path) -> None:
    url = another_gateway(deadline_s=0.1)
    refused(post(url, "ocr", (sample_pictures / "page.png").read_bytes()), 50401)
