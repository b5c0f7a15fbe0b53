"""Every row of the contract's error table that has a cause today."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest

from gateway.errors import DeadlinePassed, GatewayError, InternalFault, ModelUnavailable, TooManyRequests
from gateway.settings import Settings
from modelhub_pictures.errors import NotAnImage, TooManyPixels
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton, classification

PATHS = ("/api/predict/image_classification", "/api/predict/ocr")
GOOD = {"image": PICTURE_BASE64}


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b"1",
        b'"image"',
        b"{",
        b'{"image": "AAAA"',
        b'{"image": "AAAA"}{}',
        b'{"image": NaN}',
        b'{"image": "AAAA", "more": Infinity}',
        b'{"image": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"image": "\\ud800"}',  # half a surrogate pair is no text
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"image=AAAA",
        b"\x00" * 1000,
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_a_body_that_is_not_a_json_object(client: httpx.AsyncClient, path: str, body: bytes) -> None:
    assert_failure(await client.post(path, content=body), 40001)


WRONG_TYPES: list[Any] = [None, 1, 1.5, True, [], ["AAAA"], {}]


@pytest.mark.parametrize("fields", [{}, {"Image": "AAAA"}, *({"image": value} for value in WRONG_TYPES)])
async def test_a_field_that_is_missing_or_not_of_its_type(
    client: httpx.AsyncClient, path: str, fields: dict[str, Any]
) -> None:
    failure = assert_failure(await client.post(path, json=fields), 40002)
    assert failure.error_msg.startswith("image: ")


@pytest.mark.parametrize(
    "text", ["!", "AAA=AAAA", "A", "AAAAA", "图像", "AAAA\x00", "\U0001f600", "data:image/png,AAAA", "é" * 99]
)
async def test_a_field_that_is_not_base64(client: httpx.AsyncClient, path: str, text: str) -> None:
    assert_failure(await client.post(path, json={"image": text}), 40003)


@pytest.mark.parametrize("text", ["", "\n", "data:image/png;base64,"])
async def test_an_empty_picture_is_no_picture(client: httpx.AsyncClient, path: str, text: str) -> None:
    assert_failure(await client.post(path, json={"image": text}), 40004)


@pytest.mark.parametrize("error", [NotAnImage("no image in it"), TooManyPixels("1 x 99999999 pixels")])
async def test_what_a_step_says_of_the_picture_reaches_the_caller(
    client: httpx.AsyncClient, triton: FakeTriton, path: str, error: NotAnImage | TooManyPixels
) -> None:
    triton.outputs[path.rpartition("/")[2]] = error
    assert assert_failure(await client.post(path, json=GOOD), error.code).error_msg == str(error)


@pytest.mark.parametrize(
    "target", ["/page", "/api/predict/", "/api/predict/none", "/api/predict/ocr/", "/docs", "/%ff"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_no_such_service(client: httpx.AsyncClient, method: str, target: str) -> None:
    assert_failure(await client.request(method, target), 40401)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
async def test_a_method_that_is_not_allowed(client: httpx.AsyncClient, path: str, method: str) -> None:
    response = await client.request(method, path)
    assert_failure(response, 40501)
    assert response.headers["allow"] == "POST"


async def test_a_method_that_health_does_not_allow(client: httpx.AsyncClient) -> None:
    response = await client.post("/health/ready")
    assert_failure(response, 40501)
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_body_over_the_limit_announced_or_not(triton: FakeTriton, path: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 100

    async with client_of(Settings(max_body_bytes=250), triton) as client:
        assert "300 bytes" in assert_failure(await client.post(path, content=b" " * 300), 41301).error_msg
        assert_failure(await client.post(path, content=pieces()), 41301)
        assert_failure(await client.post(path, content=b" " * 250), 40001)
    assert not triton.calls


@pytest.mark.parametrize("error", [ModelUnavailable(), DeadlinePassed(), InternalFault()])
async def test_faults_are_logged_once_with_the_detail_that_the_caller_does_not_see(
    client: httpx.AsyncClient, triton: FakeTriton, caplog: pytest.LogCaptureFixture, error: GatewayError
) -> None:
    error.detail = "gpu 3 is on fire"
    triton.outputs["ocr"] = error
    failure = assert_failure(await client.post("/api/predict/ocr", json=GOOD), error.code)
    assert "fire" not in failure.error_msg
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert vars(record)["fields"] == {
        "request_id": failure.request_id,
        "path": "/api/predict/ocr",
        "error_code": error.code,
        "detail": "gpu 3 is on fire",
    }


async def test_what_a_caller_did_wrong_is_not_logged(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await client.post("/api/predict/ocr", content=b"[]")
    await client.get("/nowhere")
    assert not [record for record in caplog.records if record.name.startswith("gateway")]


async def test_an_exception_that_nobody_foresaw_names_the_request_and_nothing_of_our_insides(
    client: httpx.AsyncClient, triton: FakeTriton, caplog: pytest.LogCaptureFixture
) -> None:
    triton.outputs["ocr"] = RuntimeError("the password is 1234")
    failure = assert_failure(await client.post("/api/predict/ocr", json=GOOD), 50001)
    assert failure.error_msg == f"a fault on our side; its request id is {failure.request_id}"
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
async def test_numbers_that_json_does_not_have_are_a_fault(
    client: httpx.AsyncClient, triton: FakeTriton, value: float
) -> None:
    triton.outputs["image_classification"] = classification((0.5, value, 0.5))
    assert_failure(await client.post("/api/predict/image_classification", json=GOOD), 50001)


async def test_a_full_queue_in_triton_is_too_many_requests(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    triton.outputs["ocr"] = TooManyRequests()
    response = await client.post("/api/predict/ocr", json=GOOD)
    assert_failure(response, 42901)
    assert response.headers["retry-after"] == "1"


def test_a_status_is_the_first_three_digits_of_its_code() -> None:
    codes = {error.code for error in GatewayError.__subclasses__()}
    assert codes == {40001, 40002, 40005, 40101, 40401, 40501, 41301, 42201, 42901, 50001, 50301, 50401}
