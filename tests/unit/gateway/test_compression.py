"""Answers come compressed to those who ask for it, and as they are to everybody else."""

import asyncio
import gzip
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import compression
from gateway.compression import CODINGS, IDENTITY, SMALLEST_BYTES, Compressed, Preference, preference
from gateway.settings import Settings
from tests.unit.gateway.conftest import PICTURE_BASE64, ServeApp, client_of
from tests.unit.gateway.fakes import FakeTriton

GOOD = {"image": PICTURE_BASE64}
PLAIN = {"content-type": "application/json; charset=utf-8"}
LARGE = b"[0.1234,0.5,1.0]" * (SMALLEST_BYTES // 16)
Said = tuple[dict[str, str], bytes, int]
"""Headers, body, and in how many pieces it came."""

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "": lambda data: data,
}


async def said(
    accepted: str | None,
    *pieces: bytes,
    status: int = 200,
    headers: Mapping[str, str] = PLAIN,
    method: str = "POST",
    version: str = "1.1",
) -> Said:
    """What comes of an answer of `pieces`, whose length is told where it is one."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        told = {**headers, "content-length": str(sum(map(len, pieces)))}
        raw = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        for piece in pieces[:-1]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": pieces[-1], "more_body": False})

    return await exchange(app, accepted, method, version)


async def exchange(app: ASGIApp, accepted: str | None, method: str = "POST", version: str = "1.1") -> Said:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is to be received")

    headers = [] if accepted is None else [(b"accept-encoding", accepted.encode())]
    scope = {"type": "http", "method": method, "http_version": version, "headers": headers}
    await Compressed(app)(scope, receive, send)
    head, *bodies = sent
    assert head["type"] == "http.response.start"
    assert [body["more_body"] for body in bodies] == [True] * (len(bodies) - 1) + [False]
    told = {name.decode().lower(): value.decode() for name, value in head["headers"]}
    return told, b"".join(body["body"] for body in bodies), len(bodies)


def decoded(answer: Said) -> bytes:
    headers, body, _ = answer
    return DECODERS[headers.get("content-encoding", "")](body)


# What is asked for: RFC 9110, 12.5.3


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", Preference(IDENTITY)),
        ("gzip", Preference("gzip")),
        ("GZip", Preference("gzip")),
        ("x-gzip", Preference("gzip")),
        ("zstd", Preference("zstd")),
        ("gzip, deflate", Preference("gzip")),
        ("gzip, deflate, br, zstd", Preference("zstd")),
        ("zstd;q=0.5, gzip", Preference("gzip")),
        ("zstd ; q=0.500 ,\tgzip; q=0.501", Preference("gzip")),
        ("gzip;q=0.001", Preference("gzip")),
        ("deflate, br", Preference(IDENTITY)),
        ("gzip;q=0", Preference(IDENTITY)),
        ("gzip;q=0.000, zstd;q=0", Preference(IDENTITY)),
        ("identity", Preference(IDENTITY)),
        ("identity, gzip", Preference("gzip")),
        ("identity;q=0.5, gzip;q=0.4", Preference(IDENTITY)),
        ("identity;q=0.4, gzip;q=0.5", Preference("gzip")),
        ("*", Preference("zstd")),
        ("*, zstd;q=0", Preference("gzip")),
        ("*;q=0.5, gzip", Preference("gzip")),
        ("*;q=0.5, identity", Preference(IDENTITY)),
        ("identity;q=0, gzip", Preference("gzip", always=True)),
        ("identity;q=0, *", Preference("zstd", always=True)),
        ("*;q=0, gzip", Preference("gzip", always=True)),
        ("*;q=0", Preference(IDENTITY)),
        ("identity;q=0", Preference(IDENTITY)),
        ("identity;q=0, br", Preference(IDENTITY)),
        ("gzip;q=2", Preference(IDENTITY)),
        ("gzip;q=-1", Preference(IDENTITY)),
        ("gzip;q=0.1234", Preference(IDENTITY)),
        ("gzip;q=nan", Preference(IDENTITY)),
        ("gzip;level=9;q=0.5", Preference("gzip")),
        ("gzip zstd", Preference(IDENTITY)),
        ("gzip;q=1, gzip;q=0", Preference(IDENTITY)),
        (",,gzip,,", Preference("gzip")),
        ("zstd;q=, gzip", Preference("gzip")),
    ],
)
def test_what_is_asked_for(accepted: str, expected: Preference) -> None:
    assert preference(accepted) == expected


@given(st.text("gzipstd*identy;q=01. ,x-", max_size=60) | st.text(max_size=60))
def test_whatever_is_asked_for_something_is_chosen(accepted: str) -> None:
    chosen = preference(accepted)
    assert chosen.coding in {*CODINGS, IDENTITY}
    assert not (chosen.always and chosen.coding == IDENTITY)
    assert chosen.coding == IDENTITY or chosen.coding in accepted.lower() or "*" in accepted


# What comes of it


@pytest.mark.parametrize("accepted", [None, "", "identity", "br", "gzip;q=0", "*;q=0"])
async def test_nobody_gets_what_was_not_asked_for(accepted: str | None) -> None:
    headers, body, _ = await said(accepted, LARGE)
    assert body == LARGE
    assert headers == {**PLAIN, "content-length": str(len(LARGE)), "vary": "Accept-Encoding"}


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_large_answer_in_one_piece_says_its_length(coding: str) -> None:
    headers, body, pieces = answer = await said(coding, LARGE)
    assert decoded(answer) == LARGE
    assert headers["content-encoding"] == coding
    assert (int(headers["content-length"]), pieces) == (len(body), 1)
    assert len(body) < len(LARGE) / 10


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [SMALLEST_BYTES - 1, SMALLEST_BYTES])
async def test_a_small_answer_comes_as_it_is(coding: str, size: int) -> None:
    headers, _, _ = answer = await said(coding, bytes(size))
    assert ("content-encoding" in headers) == (size == SMALLEST_BYTES)
    assert decoded(answer) == bytes(size)


async def test_a_small_answer_is_compressed_for_who_takes_no_other() -> None:
    for content in (b"", b"{}", b"x" * 1000):
        headers, body, _ = answer = await said("gzip, identity;q=0", content)
        assert headers["content-encoding"] == "gzip"
        assert decoded(answer) == content
        assert int(headers["content-length"]) == len(body)


@given(
    st.lists(
        st.binary(max_size=200) | st.binary(min_size=1, max_size=8).map(lambda some: some * 20_000),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(list(CODINGS)),
)
async def test_an_answer_of_any_pieces_is_the_same_after_it(pieces: list[bytes], coding: str) -> None:
    headers, _, _ = answer = await said(f"{coding}, identity;q=0", *pieces)
    assert decoded(answer) == b"".join(pieces)
    assert ("content-length" in headers) == (len(pieces) == 1)


@pytest.mark.parametrize(
    "exception",
    [
        {"status": 400},
        {"status": 500},
        {"status": 206},
        {"headers": {"content-type": "image/png"}},
        {"headers": {"content-type": "application/octet-stream"}},
        {"headers": {}},
        {"headers": {**PLAIN, "content-encoding": "br"}},
        {"version": "1.0"},
        {"method": "HEAD"},
    ],
)
async def test_what_is_never_compressed(exception: dict[str, Any]) -> None:
    headers, body, _ = await said("gzip, identity;q=0", LARGE, **exception)
    assert body == LARGE
    assert headers.get("content-encoding") in {None, "br"}
    assert headers["content-length"] == str(len(LARGE))


async def test_what_it_depends_on_is_added_to_what_it_depended_on() -> None:
    headers, _, _ = await said("gzip", LARGE, headers={**PLAIN, "vary": "Accept"})
    assert headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize(("tag", "expected"), [('"1"', 'W/"1"'), ('W/"1"', 'W/"1"')])
async def test_other_bytes_have_no_strong_tag(tag: str, expected: str) -> None:
    for accepted, told in (("zstd", expected), ("", tag)):
        headers, _, _ = await said(accepted, LARGE, headers={**PLAIN, "etag": tag})
        assert headers["etag"] == told


async def test_large_pieces_are_compressed_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    class Noted:
        def compress(self, data: bytes) -> bytes:
            threads.append(threading.current_thread())
            return data

        def flush(self) -> bytes:
            return b""

    monkeypatch.setattr(compression, "CODINGS", {"gzip": Noted})
    small, large = bytes(compression.INLINE_BYTES), bytes(compression.INLINE_BYTES + 1)
    await said("gzip, identity;q=0", small, large, small)
    here = threading.current_thread()
    assert [thread is here for thread in threads] == [True, False, True]


async def test_an_answer_is_never_whole_in_memory() -> None:
    """What is compressed is handed on before the next piece is asked for."""
    seen: list[int] = []
    sent: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        raw = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        for _ in range(50):
            seen.append(sum(len(message.get("body", b"")) for message in sent))
            noise = np.random.default_rng(6).bytes(1 << 18)
            await send({"type": "http.response.body", "body": noise, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "http_version": "1.1",
        "headers": [(b"accept-encoding", b"gzip")],
    }
    await Compressed(app)(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]
    behind = [index * (1 << 18) - size for index, size in enumerate(seen)]
    assert max(behind) < 2 * (1 << 18)


# Through the whole gateway


def segmented(triton: FakeTriton) -> None:
    random = np.random.default_rng(6)
    triton.outputs["semantic_segmentation"] = {
        "probs": (random.integers(9_900, 10_001, (700, 900)) / 10_000).astype(np.float32),
        "preds": random.integers(0, 3, (700, 900)).astype(np.uint8),
    }


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_large_answer_comes_compressed_with_all_its_headers(
    client: httpx.AsyncClient, triton: FakeTriton, coding: str
) -> None:
    segmented(triton)
    url = "/api/predict/semantic_segmentation"
    plain = await client.post(url, json=GOOD, headers={"Accept-Encoding": ""})
    async with client.stream("POST", url, json=GOOD, headers={"Accept-Encoding": coding}) as response:
        raw = b"".join([piece async for piece in response.aiter_raw()])
    answer = DECODERS[coding](raw)
    identity = response.headers["x-request-id"].encode()
    assert answer.replace(identity, plain.headers["x-request-id"].encode()) == plain.content
    assert response.headers.keys() - plain.headers.keys() == {"content-encoding"}
    assert plain.headers.keys() - response.headers.keys() == {"content-length"}
    assert "encode;dur=" in response.headers["server-timing"]
    assert len(raw) < len(plain.content) / 4


async def test_what_libraries_ask_for_by_themselves_costs_a_small_answer_nothing(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post(
        "/api/predict/ocr", json=GOOD, headers={"Accept-Encoding": "gzip, deflate, br, zstd"}
    )
    assert "content-encoding" not in response.headers
    assert "Accept-Encoding" in response.headers["vary"]


async def test_failures_come_as_they_are(client: httpx.AsyncClient) -> None:
    headers = {"Accept-Encoding": "gzip, identity;q=0"}
    response = await client.post("/api/predict/ocr", content=b"[]", headers=headers)
    assert response.json()["error_code"] == 40001
    assert "content-encoding" not in response.headers


async def test_time_for_compressing_an_answer_in_one_piece_is_in_encode(
    triton: FakeTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    class Slow:
        def compress(self, data: bytes) -> bytes:
            began.wait(0.2)
            return data

        def flush(self) -> bytes:
            return b""

    monkeypatch.setattr(compression, "CODINGS", {"gzip": Slow})
    async with client_of(Settings(), triton) as client:
        headers = {"Accept-Encoding": "gzip, identity;q=0"}
        async with client.stream("POST", "/api/predict/ocr", json=GOOD, headers=headers) as response:
            timing = dict(part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    assert float(timing["encode"]) >= 200


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_over_a_real_connection(serve: ServeApp, triton: FakeTriton, version: str) -> None:
    segmented(triton)
    body = b'{"image": "%s"}' % PICTURE_BASE64.encode()
    request = (
        f"POST /api/predict/semantic_segmentation HTTP/{version}\r\nHost: x\r\nConnection: close\r\n"
        f"Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    with socket.create_connection(("127.0.0.1", serve())) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    assert (b"content-encoding: gzip" in head.lower()) == (version == "1.1")
    assert (b"transfer-encoding: chunked" in head.lower()) == (version == "1.1")
    assert (len(content) < 2_000_000) == (version == "1.1")
