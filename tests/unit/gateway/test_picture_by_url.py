"""Requests with a URL in place of a picture, through the application and through the real server."""

import asyncio
import json
import time
from collections.abc import Mapping

import httpx
import numpy as np
import pytest

from gateway.settings import Settings
from modelhub.kinds import Tensors
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE_BASE64, ServeApp, client_of
from tests.unit.gateway.fakes import FakeTriton, strings
from tests.unit.gateway.web import PICTURE, FakeNames, Web, ok, redirect, sends, serving, silent

MARGIN_S = 5.0
FOREGROUND: Tensors = {"human_ratio": strings("0.25"), "mask": np.array([[0, 1], [0, 0]], dtype=np.uint8)}

SIMILARITY: Tensors = {
    "similarity": np.array([90], dtype=np.float32),
    "l2_distance": np.array([0.3], dtype=np.float32),
}


@pytest.fixture
def triton(triton: FakeTriton) -> FakeTriton:
    triton.outputs["foreground_segmentation"] = FOREGROUND
    triton.outputs["image_similarity"] = SIMILARITY
    return triton


def asking(url: str, **more: object) -> dict[str, object]:
    return {"input": {"url": url}, **more}


async def predict(
    triton: FakeTriton,
    service: str,
    body: Mapping[str, object],
    names: FakeNames | None = None,
    /,
    **settings: object,
) -> httpx.Response:
    async with client_of(Settings.model_validate(settings), triton, names or FakeNames()) as client:
        return await client.post(f"/api/predict/{service}", json=body)


@pytest.mark.parametrize("service", ["image_classification", "ocr", "foreground_segmentation"])
async def test_every_service_takes_a_url(triton: FakeTriton, service: str) -> None:
    async with serving(sends(ok())) as web:
        body = asking(f"http://127.0.0.1:{web.port}/a.png")
        response = await predict(triton, service, body, url_allow=f"127.0.0.1:{web.port}")
    assert response.status_code == 200, response.text
    ((model, inputs, _, _),) = triton.calls
    assert model == service
    assert inputs["image"].item() == PICTURE


async def test_foreground_segmentation_takes_a_picture_too(triton: FakeTriton) -> None:
    response = await predict(triton, "foreground_segmentation", {"image": PICTURE_BASE64})
    assert response.status_code == 200
    assert triton.calls[0][1]["image"].item() == PICTURE


@pytest.mark.parametrize(("service", "fetches"), [("ocr", 0), ("foreground_segmentation", 1)])
async def test_of_both_the_documented_field_counts(triton: FakeTriton, service: str, fetches: int) -> None:
    async with serving(sends(ok())) as web:
        body = asking(f"http://127.0.0.1:{web.port}/", image=PICTURE_BASE64)
        response = await predict(triton, service, body, url_allow=f"127.0.0.1:{web.port}")
    assert response.status_code == 200
    assert web.connections == fetches


@pytest.mark.parametrize(
    ("service", "body", "message"),
    [
        ("ocr", {}, "image: Field required"),
        ("ocr", {"input": None}, "image: Field required"),
        ("image_similarity", {"inputb": {"url": "http://a"}}, "imagea: Field required"),
        ("image_similarity", {"imagea": PICTURE_BASE64, "inputb": {}}, "inputb.url: Field required"),
        ("foreground_segmentation", {}, "input: Field required"),
        ("foreground_segmentation", {"image": None}, "input: Field required"),
        ("foreground_segmentation", {"input": {}}, "input.url: Field required"),
        ("foreground_segmentation", {"input": {"url": None}}, "input.url: Input should be a valid string"),
        (
            "foreground_segmentation",
            {"input": {"url": ["http://a"]}},
            "input.url: Input should be a valid string",
        ),
    ],
)
async def test_neither_picture_nor_url(
    triton: FakeTriton, service: str, body: dict[str, object], message: str
) -> None:
    assert assert_failure(await predict(triton, service, body), 40002).error_msg == message


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "http://127.0.0.1:8001/", "http://private.test/"])
async def test_a_url_that_is_refused(triton: FakeTriton, url: str) -> None:
    names = FakeNames(private_test=[["10.0.0.1"]])
    failure = assert_failure(await predict(triton, "ocr", asking(url), names), 40005)
    assert failure.error_msg.startswith("input: the URL is refused: ")
    assert triton.calls == []


async def test_a_redirect_that_is_refused(triton: FakeTriton) -> None:
    async with serving(sends(redirect("http://169.254.169.254/"))) as web:
        body = asking(f"http://127.0.0.1:{web.port}/")
        assert_failure(await predict(triton, "ocr", body, url_allow=f"127.0.0.1:{web.port}"), 40005)


async def test_a_url_that_gives_no_picture(triton: FakeTriton) -> None:
    async with serving(sends(ok(b"<html>no picture at all</html>"))) as web:
        body = asking(f"http://127.0.0.1:{web.port}/")
        assert_failure(await predict(triton, "ocr", body, url_allow=f"127.0.0.1:{web.port}"), 42201)
    assert_failure(await predict(triton, "ocr", asking("http://unknown.test/")), 42201)
    assert triton.calls == []


async def test_settings_bound_size_and_time(triton: FakeTriton) -> None:
    async with serving(sends(ok())) as web:
        body = asking(f"http://127.0.0.1:{web.port}/")
        response = await predict(triton, "ocr", body, url_allow=f"127.0.0.1:{web.port}", url_max_bytes=50)
        assert "limit, which is 50" in assert_failure(response, 42201).error_msg
        web.script = silent
        for bound in ({"url_timeout_s": 0.3}, {"deadline_s": 0.3}):
            started = time.monotonic()
            response = await predict(triton, "ocr", body, url_allow=f"127.0.0.1:{web.port}", **bound)
            assert_failure(response, 42201)
            assert time.monotonic() - started < 0.3 + MARGIN_S


async def test_what_the_fetch_took_is_gone_from_the_deadline(triton: FakeTriton) -> None:
    async with serving(sends(b"", ok(), pause_s=0.3)) as web:
        body = asking(f"http://127.0.0.1:{web.port}/")
        await predict(triton, "ocr", body, url_allow=f"127.0.0.1:{web.port}", deadline_s=5)
    assert 3 < triton.calls[0][3] < 4.7


async def test_two_pictures_are_fetched_at_the_same_time(triton: FakeTriton) -> None:
    both_are_asked = asyncio.Barrier(2)

    async def script(head: bytes, writer: asyncio.StreamWriter) -> None:
        await both_are_asked.wait()
        writer.write(ok(PICTURE + head.split()[1]))

    async with serving(script) as web:
        body = {f"input{side}": {"url": f"http://127.0.0.1:{web.port}/{side}"} for side in "ba"}
        response = await predict(triton, "image_similarity", body, url_allow=f"127.0.0.1:{web.port}")
    assert response.status_code == 200, response.text
    inputs = triton.calls[0][1]
    assert {name: tensor.item() for name, tensor in inputs.items()} == {
        "imagea": PICTURE + b"/a",
        "imageb": PICTURE + b"/b",
    }


@pytest.mark.parametrize(("given", "asked"), [("imagea", "inputb"), ("imageb", "inputa")])
async def test_of_two_pictures_either_may_be_at_a_url(triton: FakeTriton, given: str, asked: str) -> None:
    async with serving(sends(ok(PICTURE + b"fetched"))) as web:
        body = {given: PICTURE_BASE64, asked: {"url": f"http://127.0.0.1:{web.port}/"}}
        response = await predict(triton, "image_similarity", body, url_allow=f"127.0.0.1:{web.port}")
    assert response.status_code == 200, response.text
    inputs = triton.calls[0][1]
    assert inputs[given].item() == PICTURE
    assert inputs[asked.replace("input", "image")].item() == PICTURE + b"fetched"


@pytest.mark.parametrize("bad", ["inputa", "inputb"])
async def test_the_first_failure_of_two_fetches_ends_the_other_and_names_its_field(
    triton: FakeTriton, bad: str
) -> None:
    async with serving(silent) as web, asyncio.timeout(30):
        body = {name: {"url": f"http://127.0.0.1:{web.port}/"} for name in ("inputa", "inputb")}
        settings = {"url_allow": f"127.0.0.1:{web.port}", "url_timeout_s": 60.0, "deadline_s": 60.0}
        for url, code, words in (
            ("http://10.0.0.1/", 40005, "the URL is refused: "),
            ("http://unknown.test/", 42201, "nothing could be fetched"),
        ):
            failure = assert_failure(
                await predict(triton, "image_similarity", {**body, bad: {"url": url}}, **settings), code
            )
            assert failure.error_msg.startswith(f"{bad}: {words}")
    assert triton.calls == []


async def test_the_bounds_hold_for_each_of_two_pictures(triton: FakeTriton) -> None:
    async with serving(sends(ok())) as web:
        body = {name: {"url": f"http://127.0.0.1:{web.port}/"} for name in ("inputa", "inputb")}
        allow = f"127.0.0.1:{web.port}"
        limits = {"url_allow": allow, "url_max_bytes": len(PICTURE)}
        assert (await predict(triton, "image_similarity", body, **limits)).status_code == 200
        limits["url_max_bytes"] = len(PICTURE) - 1
        assert (
            "limit, which is"
            in assert_failure(await predict(triton, "image_similarity", body, **limits), 42201).error_msg
        )
        web.script = silent
        async with asyncio.timeout(20):
            assert_failure(
                await predict(triton, "image_similarity", body, url_allow=allow, url_timeout_s=0.3), 42201
            )


def request(web: Web) -> bytes:
    body = json.dumps(asking(f"http://127.0.0.1:{web.port}/")).encode()
    return (
        f"POST /api/predict/ocr HTTP/1.1\r\nHost: gateway\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


async def test_a_client_that_hangs_up_ends_the_fetch_which_held_its_place(
    serve: ServeApp, triton: FakeTriton, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(silent) as web, httpx.AsyncClient(trust_env=False) as client:
        port = serve(max_in_flight=1, url_allow=f"127.0.0.1:{web.port}")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(web))
        while not web.heads:
            await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{port}/api/predict/ocr"
        assert_failure(await client.post(url, json={"image": PICTURE_BASE64}), 42901)
        writer.close()
        await asyncio.wait_for(web.closed.wait(), 5)
        web.script = sends(ok())
        async with asyncio.timeout(5):  # the place comes free shortly after the connection is closed
            while (response := await client.post(url, json=asking(f"http://127.0.0.1:{web.port}/"))).is_error:
                assert_failure(response, 42901)
        assert response.status_code == 200
    assert len(triton.calls) == 1
    assert not caplog.records
