"""Straight to Triton: the words of the gateway, by both kinds of channel, from a server of its protocol."""

import asyncio
import builtins
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest

from gateway.errors import GatewayError
from gateway.triton import translated
from modelhub import ModelHub, ServiceError, downloads
from modelhub.hub import _connection
from modelhub.kinds import plain
from modelhub.pictures import Picture
from modelhub.results import RESULTS, Ocr
from modelhub.triton import error_of
from modelhub_pictures.errors import PictureError
from modelhub_pictures.request_parameters import DEADLINE, LATE
from tests.unit.client.hubs import Hub, asynchronous, both
from tests.unit.client.outputs import OUTPUTS
from tests.unit.gateway.test_triton import Server, Servicer
from tests.unit.gateway.web import PICTURE, Web, serving


class Noting(Servicer):
    """Keeps what came beside requests."""

    def __init__(self) -> None:
        super().__init__()
        self.metadata: list[dict[str, str]] = []

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401 - gRPC's own
        self.metadata.append(dict(context.invocation_metadata()))
        return await super().ModelInfer(request, context)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    running.servicer = Noting()
    await running.start()
    yield running
    await running.stop()


def url_of(server: Server) -> str:
    return f"grpc://127.0.0.1:{server.port}"


@both
@pytest.mark.parametrize("service", OUTPUTS)
async def test_answers_are_the_documented_ones(hub: Hub, service: str, server: Server) -> None:
    outputs = server.servicer.outputs = OUTPUTS[service](np.random.default_rng(7))
    files = [f"file {number}".encode() for number, _ in enumerate(RESULTS[service].service.pictures)]
    sent_at = time.time()
    async with hub(url_of(server), timeout_s=20) as asking:
        answer = await asking.answer(service, *files)
    answered_at = time.time()
    own = plain(RESULTS[service].render(outputs))
    assert answer == {"request_id": answer["request_id"], "success": True, **own}
    (request,) = server.servicer.requests
    assert request.model_name == service
    assert len(request.id) == 32
    assert sent_at - 0.01 <= request.parameters[DEADLINE].int64_param / 1e3 - 20 <= answered_at
    assert tuple(one.name for one in request.inputs) == RESULTS[service].service.pictures
    shape = (1, 1) if RESULTS[service].service.batched else (1,)
    assert {tuple(one.shape) for one in request.inputs} == {shape}
    assert list(request.raw_input_contents) == [b"\x06\x00\x00\x00" + file for file in files]


@both
async def test_every_request_has_an_id_of_its_own(hub: Hub, server: Server) -> None:
    async with hub(url_of(server)) as asking:
        answers = [await asking.answer("ocr", PICTURE) for _ in range(3)]
    assert len({answer["request_id"] for answer in answers}) == 3


@both
async def test_a_failure_has_the_contracts_code(hub: Hub, server: Server) -> None:
    server.servicer.status, server.servicer.text = (
        grpc.StatusCode.INVALID_ARGUMENT,
        "in step: [40004] no picture",
    )
    async with hub(url_of(server)) as asking:
        with pytest.raises(ServiceError) as caught:
            await asking.answer("ocr", b"no picture")
    assert (caught.value.status, caught.value.code, caught.value.message) == (400, 40004, "no picture")
    assert len(server.servicer.requests) == 1


@both
async def test_a_triton_that_is_away_is_tried_again(hub: Hub, server: Server) -> None:
    server.servicer.status = grpc.StatusCode.UNAVAILABLE
    async with hub(url_of(server), retries=2) as asking:
        with pytest.raises(ServiceError) as caught:
            await asking.answer("ocr", PICTURE)
    assert caught.value.code == 50301
    assert len(server.servicer.requests) == 3


@both
async def test_where_nobody_listens_the_server_is_not_reachable(hub: Hub, server: Server) -> None:
    await server.stop()
    async with hub(url_of(server), retries=0) as asking:
        with pytest.raises(ServiceError) as caught:
            await asking.answer("ocr", PICTURE)
    assert caught.value.code == 50301


@both
async def test_the_callers_time_holds(hub: Hub, server: Server) -> None:
    server.servicer.hangs = True
    async with hub(url_of(server), timeout_s=0.2) as asking:
        with pytest.raises(ServiceError) as caught:
            await asking.answer("ocr", PICTURE)
    assert caught.value.code == 50401


@both
async def test_a_token_is_sent_for_what_may_stand_before_triton(hub: Hub, server: Server) -> None:
    async with hub(url_of(server), token="s3cret") as asking:
        await asking.answer("ocr", PICTURE)
    async with hub(url_of(server)) as asking:
        await asking.answer("ocr", PICTURE)
    with_token, without = server.servicer.metadata
    assert with_token["authorization"] == "Bearer s3cret"
    assert "authorization" not in without


@both
async def test_typed_results_need_no_json(hub: Hub, server: Server) -> None:
    async with hub(url_of(server)) as asking:
        result = await asking.predict("ocr", PICTURE)
    assert isinstance(result, Ocr)
    np.testing.assert_array_equal(result.detection_boxes, server.servicer.outputs["detection_boxes"])


@both
async def test_the_services_are_those_that_are_loaded(hub: Hub, server: Server) -> None:
    async with hub(url_of(server)) as asking:
        assert await asking.services() == ["ocr"]


async def _picture(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PICTURE), PICTURE))


async def _gone(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")


@both
async def test_a_picture_at_a_url_is_fetched_from_here(hub: Hub, server: Server) -> None:
    async with serving(_picture) as web, hub(url_of(server)) as asking:
        await asking.answer("ocr", f"http://127.0.0.1:{web.port}/a.png")
    (request,) = server.servicer.requests
    assert request.raw_input_contents[0][4:] == PICTURE


async def _endless(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(1000))
        await writer.drain()


async def _drop_by_drop(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.01)


@both
async def test_of_a_url_no_more_is_read_than_a_picture_has(
    hub: Hub, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_FILE_BYTES", 100_000)
    async with serving(_endless) as web, hub(url_of(server)) as asking:
        with pytest.raises(ServiceError, match="larger than") as caught:
            await asking.answer("ocr", f"http://127.0.0.1:{web.port}/a.png")
    assert caught.value.code == 42201


@both
async def test_a_url_that_never_ends_is_given_up_in_time(hub: Hub, server: Server) -> None:
    async with serving(_drop_by_drop) as web, hub(url_of(server), timeout_s=0.3) as asking:
        with pytest.raises(ServiceError, match="took too long") as caught:
            await asking.answer("ocr", f"http://127.0.0.1:{web.port}/a.png")
    assert caught.value.code == 42201
    assert not server.servicer.requests


@both
async def test_a_url_without_a_picture_is_42201(hub: Hub, server: Server) -> None:
    async with serving(_gone) as web, hub(url_of(server)) as asking:
        for url in (f"http://127.0.0.1:{web.port}/a.png", "http://127.0.0.1:1/", "http://[/", "http://"):
            with pytest.raises(ServiceError) as caught:
                await asking.answer("ocr", url)
            assert caught.value.code == 42201
    assert isinstance(web, Web)
    assert not server.servicer.requests


@pytest.mark.parametrize(
    ("service", "pictures", "code"),
    [
        ("no_such_service", (PICTURE,), 40401),
        ("ocr", (PICTURE, PICTURE), 40002),
        ("image_similarity", (PICTURE,), 40002),
    ],
)
def test_what_the_gateway_would_refuse_is_not_sent(
    service: str, pictures: tuple[Picture, ...], code: int
) -> None:
    with ModelHub("grpc://127.0.0.1:1") as hub, pytest.raises(ServiceError) as caught:
        hub.answer(service, *pictures)
    assert caught.value.code == code


def test_a_mask_format_is_refused_as_the_gateways() -> None:
    with (
        ModelHub("grpc://127.0.0.1:1") as hub,
        pytest.raises(ValueError, match="mask_format is the gateway's"),
    ):
        hub.answer("instance_segmentation", PICTURE, mask_format="png")


class Failed(grpc.RpcError):  # type: ignore[misc]  # ships no types
    """What either kind of channel raises."""

    def __init__(self, status: grpc.StatusCode, words: str) -> None:
        self._status, self._words = status, words

    def code(self) -> grpc.StatusCode:
        return self._status

    def details(self) -> str:
        return self._words


WORDS = (
    "",
    "in ensemble 'ocr', [40003] not Base64",
    "[40004] a text\nof two lines",
    "[41302] too many pixels",
    "[40001] no code of pictures",
    "[50401] [40004] both",
    LATE,
    "Exceeds maximum queue size",
    "Failed to process the request, message: Stub process 'ocr_preprocess_0_1' is not healthy.",
    "Request for unknown model: 'ocr' is not found",
)


@pytest.mark.parametrize(("status", "words"), list(itertools.product(grpc.StatusCode, WORDS)))
def test_failures_are_judged_as_at_the_gateway(status: grpc.StatusCode, words: str) -> None:
    error = Failed(status, words)
    theirs = translated(error)
    assert isinstance(theirs, GatewayError | PictureError)
    ours = error_of(error)
    assert (ours.status, ours.code) == (theirs.code // 100, theirs.code)
    if isinstance(theirs, PictureError):
        assert ours.message == str(theirs)


def test_without_the_extra_its_absence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - as the builtin's
        if name.partition(".")[0] in ("grpc", "tritonclient"):
            raise ModuleNotFoundError(name)
        return there(name, *rest, **more)

    monkeypatch.delitem(__import__("sys").modules, "modelhub.triton")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'tritonclient\[grpc\]'"):
        _connection("grpc://127.0.0.1:8001", None)


@pytest.mark.parametrize("url", ["ftp://host", "grpc://host", "host:8080", "", "grpcs://host:1"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is neither"):
        ModelHub(url)


async def test_triton_is_reached_whatever_proxy_the_environment_names(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with asynchronous(url_of(server), retries=0) as asking:
        assert (await asking.answer("ocr", PICTURE))["success"]
