"""A picture gives the same answer as JSON, as a body of its own and in a form, compressed or not."""

import gzip
import hashlib
import hmac
import random
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import zstandard

from demo.samples import requests
from gateway.compression import CODINGS, SMALLEST_BYTES
from gateway.services import SERVICES, Service
from tests import web
from tests.conftest import StartGateway
from tests.contract.calls import TIMEOUT_S, blank, refused
from tests.hazards import bomb, truncated

EACH = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
OF_ONE = pytest.mark.parametrize(
    "service", [row for row in SERVICES.values() if len(row.pictures) == 1], ids=lambda row: row.name
)
TOKEN = "a-token-that-opens-everything"


def send(url: str, service: str, **body: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
    return web.post(f"{url}/api/predict/{service}", timeout=TIMEOUT_S, **body)


def fields(response: httpx.Response) -> dict[str, Any]:
    """The answer without its id."""
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert response.headers["x-request-id"] == answer.pop("request_id")
    return answer


def by_json(url: str, service: Service, pictures: list[bytes]) -> dict[str, Any]:
    texts = (b64encode(picture).decode() for picture in pictures)
    return fields(send(url, service.name, json=dict(zip(service.pictures, texts, strict=True))))


@EACH
def test_a_form_is_answered_as_json_is(gateway_url: str, service: Service) -> None:
    _, pictures = next(requests(service.name))
    expected = by_json(gateway_url, service, pictures)
    files = dict(zip(service.pictures, pictures, strict=True))
    assert fields(send(gateway_url, service.name, files=files)) == expected


@pytest.mark.parametrize("name", ["image_classification", "image_similarity"])  # of one picture, of two
def test_a_form_may_hold_pictures_as_base64(gateway_url: str, name: str) -> None:
    service = SERVICES[name]
    _, pictures = next(requests(name))
    texts = {
        field: (None, b64encode(picture)) for field, picture in zip(service.pictures, pictures, strict=True)
    }
    assert fields(send(gateway_url, name, files=texts)) == by_json(gateway_url, service, pictures)


@OF_ONE
def test_a_picture_is_answered_as_json_is(gateway_url: str, service: Service) -> None:
    _, pictures = next(requests(service.name))
    headers = {"Content-Type": random.choice(["image/png", "image/jpeg", "IMAGE/x; y=z"])}
    response = send(gateway_url, service.name, content=pictures[0], headers=headers)
    assert fields(response) == by_json(gateway_url, service, pictures)


@OF_ONE
@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"", 40004),
        (b"no picture", 40004),
        (b"[]", 40004),
        (truncated(), 40004),
        (bomb(), 41302),
        (b"{", 40001),
    ],
    ids=["empty", "words", "a list", "truncated", "bomb", "a brace"],
)
def test_a_body_that_is_no_picture(gateway_url: str, service: Service, picture: bytes, code: int) -> None:
    refused(send(gateway_url, service.name, content=picture, headers={"Content-Type": "image/png"}), code)


def test_one_picture_where_two_are_asked_for(gateway_url: str) -> None:
    headers = {"Content-Type": "image/png"}
    failure = refused(send(gateway_url, "image_similarity", content=blank(8, 8), headers=headers), 40002)
    assert "imageb" in failure.error_msg


@EACH
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"boundary": ""}, 40001),
        ({"boundary": "another"}, 40001),
        ({"boundary": "x" * 71}, 40001),
        ({"parts": 1000}, 40001),
        ({"cut": 20}, 40001),
        ({"names": "other"}, 40002),
        ({"twice": True}, 40002),
        ({"encoding": "base64"}, 40002),
        ({"content": b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--"}, 40004),
        ({"content": b""}, 40004),
    ],
    ids=lambda change: next(iter(change)) if isinstance(change, dict) else str(change),
)
def test_a_form_that_is_wrong(gateway_url: str, service: Service, change: dict[str, Any], code: int) -> None:
    body = _form(
        service, **{name: value for name, value in change.items() if name not in {"boundary", "cut"}}
    )
    content = body[: -change.get("cut", 0) or None]
    headers = {"Content-Type": f"multipart/form-data; boundary={change.get('boundary', 'x-of-ours')}"}
    refused(send(gateway_url, service.name, content=content, headers=headers), code)


def _form(
    service: Service,
    *,
    parts: int = 0,
    names: str = "",
    twice: bool = False,
    encoding: str = "binary",
    filename: str = '; filename="x.png"',
    content: bytes | None = None,
) -> bytes:
    """A form that is right but for what is said."""
    picture = blank(8, 8) if content is None else content
    body = b"".join(
        b'--x-of-ours\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' for _ in range(parts)
    )
    for name in service.pictures * (2 if twice else 1):
        head = (
            f'--x-of-ours\r\nContent-Disposition: form-data; name="{names or name}"{filename}\r\n'
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        )
        body += head.encode() + picture + b"\r\n"
    return body + b"--x-of-ours--\r\n"


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x-of-ours", "image/png", "image/*"])
def test_json_is_json_under_any_type(gateway_url: str, content_type: str) -> None:
    content = b"\n " + orjson.dumps({"image": b64encode(blank(8, 8)).decode()})
    fields(send(gateway_url, "ocr", content=content, headers={"Content-Type": content_type}))


def test_what_a_browser_sends_for_a_url(gateway_url: str) -> None:
    parts = {"image": ("", b"", "application/octet-stream"), "input.url": (None, b"http://127.0.0.1/")}
    refused(send(gateway_url, "ocr", files=parts), 40005)


@pytest.mark.parametrize(
    "body",
    [
        {"files": {"image": blank(8, 8)}},
        {"content": blank(8, 8), "headers": {"Content-Type": "image/png"}},
    ],
    ids=["form", "picture"],
)
def test_a_form_and_a_picture_are_signed_as_json_is(
    another_gateway: StartGateway, tmp_path: Path, body: dict[str, Any]
) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    file.chmod(0o600)
    url = another_gateway(token_file=file)
    request = httpx.Request("POST", f"{url}/api/predict/ocr", **body)
    content = request.read()
    date, md5 = format_datetime(datetime.now(UTC), usegmt=True), hashlib.md5(content).hexdigest()
    message = "\n".join(("POST", md5, request.headers["content-type"], date, request.url.path))
    signature = b64encode(hmac.digest(TOKEN.encode(), message.encode(), "sha1")).decode()
    signed = {"Authorization": f"EAS {signature}", "Content-MD5": md5, "Date": date}
    headers = {"Content-Type": request.headers["content-type"], **signed}
    fields(send(url, "ocr", content=content, headers=headers))
    refused(send(url, "ocr", content=content + b" ", headers=headers), 40101)
    refused(send(url, "ocr", content=content, headers=headers | {"Content-Type": "image/x"}), 40101)


# Answers


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_large_answer_comes_compressed_where_that_is_asked_for(gateway_url: str, coding: str) -> None:
    service = SERVICES["semantic_segmentation"]
    _, pictures = next(requests(service.name))
    expected = by_json(gateway_url, service, pictures)
    url = f"{gateway_url}/api/predict/{service.name}"
    headers = {"Accept-Encoding": coding, "Content-Type": "image/png"}
    with (
        httpx.Client(trust_env=False, verify=False, timeout=TIMEOUT_S) as client,
        client.stream("POST", url, content=pictures[0], headers=headers) as response,
    ):
        raw = b"".join(response.iter_raw())
    content = DECODERS[coding](raw)
    answer = orjson.loads(content)
    assert answer.pop("request_id") == response.headers["x-request-id"]
    assert answer == expected
    assert response.headers["content-encoding"] == coding
    assert "Accept-Encoding" in response.headers["vary"]
    assert len(raw) < len(content) / 4


def test_a_small_answer_comes_as_it_is(gateway_url: str) -> None:
    for service in ("ocr", "image_classification"):
        body = {"files": {"image": blank(300, 200)}}
        response = send(gateway_url, service, headers={"Accept-Encoding": "gzip, deflate, br, zstd"}, **body)
        fields(response)
        assert "content-encoding" not in response.headers
        assert len(response.content) < SMALLEST_BYTES
