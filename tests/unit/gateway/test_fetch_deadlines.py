"""Servers on loopback that take their time get none of it beyond the deadline."""

import asyncio
import time

import pytest

from gateway.errors import NoPictureAtUrl
from gateway.fetch import Fetcher
from gateway.url_policy import Address, UrlPolicy
from tests.unit.gateway.fetching import MARGIN_S, UNREACHED, fetcher, message, refusal, url
from tests.unit.gateway.web import PICTURE, FakeNames, Script, redirect, repeats, sends, serving, silent


@pytest.mark.parametrize(
    "script",
    [
        silent,
        sends(b"HTTP/1.1 200 OK\r\n", pause_s=60),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", pause_s=60),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + PICTURE[:20], pause_s=60),
        repeats(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", pause_s=0.02),
        repeats(b"HTTP/1.1 200 OK\r\nX: ", b"x", pause_s=0.02),
        repeats(b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE[:20], b"x", pause_s=0.02),
        repeats(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + PICTURE[:20] + b"\r\n",
            b"1\r\nx\r\n",
            pause_s=0.02,
        ),
        repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
        repeats(b"", b"HTTP/1.1 103 Early Hints\r\nX: x\r\n\r\n", pause_s=0.02),
    ],
    ids=["silence", "status", "head", "some body", "headers", "header", "body", "chunks", "100s", "103s"],
)
async def test_slow_and_endless_answers_end_by_the_deadline(script: Script) -> None:
    started = time.monotonic()
    assert await refusal(script, NoPictureAtUrl, timeout_s=0.4) == UNREACHED
    assert time.monotonic() - started >= 0.35


async def test_the_deadline_is_one_for_all_redirects() -> None:
    async def script(_head: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.25)
        writer.write(redirect("/again"))

    assert await refusal(script, NoPictureAtUrl, timeout_s=0.4) == UNREACHED


async def test_the_deadline_of_the_request_is_a_bound_too() -> None:
    async with serving(silent) as web:
        started = time.monotonic()
        for left_s in (0.2, 0.0, -1.0):
            with pytest.raises(NoPictureAtUrl):
                await fetcher(web, timeout_s=60).picture(url(web), left_s)
        assert time.monotonic() - started < 0.2 + MARGIN_S


async def test_a_slow_resolver_ends_by_the_deadline() -> None:
    async def slow(_name: str) -> list[Address]:
        await asyncio.sleep(60)
        return []

    async with serving(silent) as web:
        started = time.monotonic()
        assert await message(fetcher(web, slow, timeout_s=0.3), "http://slow.test/") == UNREACHED
        assert time.monotonic() - started < 0.3 + MARGIN_S


async def test_a_tls_handshake_that_never_ends_ends_by_the_deadline() -> None:
    closed = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        closed.set()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    one = Fetcher(UrlPolicy(f"127.0.0.1:{port}", "443"), FakeNames(), 1000, 0.3)
    started = time.monotonic()
    assert await message(one, f"https://127.0.0.1:{port}/") == UNREACHED
    assert time.monotonic() - started < 0.3 + MARGIN_S
    await asyncio.wait_for(closed.wait(), 5)
    server.close()


async def test_a_fetch_that_is_cancelled_hangs_up() -> None:
    async with serving(repeats(b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE[:20], b"x", pause_s=0.02)) as web:
        task = asyncio.create_task(fetcher(web).picture(url(web), 30))
        await asyncio.sleep(0.2)
        assert web.connections == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(web.closed.wait(), 5)
