"""The fetch against real servers on loopback: what it takes for a picture, and that it brings nothing."""

import asyncio
import gzip
import socket
import time
import zlib
from pathlib import Path

import pytest

from gateway.errors import NoPictureAtUrl
from tests.unit.gateway.fetching import MARGIN_S, UNREACHED, fetched, fetcher, message, refusal, url
from tests.unit.gateway.web import PICTURE, FakeNames, ok, repeats, sends, serving, silent


async def test_a_picture() -> None:
    async with serving(sends(ok())) as web:
        assert await fetcher(web).picture(url(web, "/图?b=c#d"), 30) == PICTURE
    (head,) = web.heads
    assert head.decode().split("\r\n") == [
        "GET /%E5%9B%BE?b=c HTTP/1.1",
        f"Host: 127.0.0.1:{web.port}",
        "User-Agent: modelhub-triton/1",
        "Accept: image/*",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
        "",
    ]


async def test_an_ipv6_address_stands_in_brackets() -> None:
    async with serving(sends(ok()), "::1") as web:
        one = fetcher(web, allow=f"[::1]:{web.port}")
        assert await one.picture(url(web, host="[::1]"), 30) == PICTURE
    assert f"Host: [::1]:{web.port}\r\n".encode() in web.heads[0]


@pytest.mark.parametrize(
    "pieces",
    [
        [ok()],
        [b"HTTP/1.0 200 OK\r\n\r\n", PICTURE],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", PICTURE],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
        + [b"1\r\n%c\r\n" % byte for byte in PICTURE]
        + [b"0\r\n\r\n"],
        [ok()[start : start + 3] for start in range(0, len(ok()), 3)],
        [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n", ok()],
        [ok(PICTURE, "Content-Type: text/plain")],
        [ok(PICTURE, "Content-Type: text/html; charset=utf-8", "X-Content-Type-Options: nosniff")],
        [ok(PICTURE, "Content-Encoding: gzip")],
        [ok(PICTURE) + b"and what nobody asked for"],
    ],
    ids=["plain", "1.0", "until closed", "chunked", "pieces", "informed", "text", "html", "gzip", "longer"],
)
async def test_every_way_of_sending_a_picture(pieces: list[bytes]) -> None:
    assert await fetched(sends(*pieces)) == PICTURE


async def test_a_picture_of_exactly_the_limit() -> None:
    assert await fetched(sends(ok()), max_bytes=len(PICTURE)) == PICTURE


# What gives no picture


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n",
        b"<html><body>log in</body></html>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"root:x:0:0:root:/root:/bin/bash\n",
        b"BM is not enough for a picture of any sort",
        b"%PDF-1.7 and so on and on",
        gzip.compress(PICTURE, mtime=0),
        zlib.compress(PICTURE),
        b"\x00\x00\x00\x18ftypavif and the rest",
    ],
)
@pytest.mark.parametrize("kind", ["image/png", "text/html"])
async def test_content_that_is_no_picture_whatever_its_header_says(content: bytes, kind: str) -> None:
    message = await refusal(sends(ok(content, f"Content-Type: {kind}")), NoPictureAtUrl)
    assert "send one of JPEG, PNG, WEBP, GIF, BMP, TIFF" in message


async def test_a_compressed_body_is_not_expanded() -> None:
    bomb = gzip.compress(PICTURE + bytes(50_000_000))
    assert len(bomb) < 100_000
    for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
        await refusal(sends(ok(bomb, f"Content-Encoding: {encoding}")), NoPictureAtUrl)


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 407, 429, 500, 503, 999])
async def test_every_other_status(status: int) -> None:
    body = b"" if status in (204, 304) else PICTURE
    message = await refusal(
        sends(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode(), body), NoPictureAtUrl
    )
    assert str(status) in message


async def test_a_body_over_the_limit_is_refused_as_announced() -> None:
    script = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n" + PICTURE, pause_s=60)
    assert "limit, which is 100000" in await refusal(script, NoPictureAtUrl)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE, bytes(5000)),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n" + PICTURE[:18] + b"\r\n",
            b"1000\r\n" + bytes(4096) + b"\r\n",
        ),
    ],
    ids=["until closed", "chunked"],
)
async def test_an_endless_body_is_cut_off_at_the_limit(start: bytes, piece: bytes) -> None:
    sent = 0

    async def script(_head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    message = await refusal(script, NoPictureAtUrl)
    assert "limit, which is 100000" in message
    assert sent < 20_000_000  # what lies in sockets' buffers


async def test_an_endless_body_that_is_no_picture_is_cut_off_at_its_first_bytes() -> None:
    started = time.monotonic()
    script = repeats(b"HTTP/1.0 200 OK\r\n\r\n<!doctype html>", b" " * 20, pause_s=0.02)
    await refusal(script, NoPictureAtUrl, max_bytes=1_000_000_000)
    assert time.monotonic() - started < MARGIN_S


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + PICTURE[:50],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + PICTURE[:32],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 100_000 + b"\r\n" + PICTURE,
        b"HTTP/1.1 200 " + b"OK" * 100_000,
        b"HTTP/1.1 200 OK\r\nX : x\r\n\r\n" + PICTURE,
        b"HTTP/2 200\r\n\r\n" + PICTURE,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example ESMTP\r\n",
        b"-ERR unknown command\r\n",
        b"\x00" * 100,
        PICTURE,
    ],
    ids=lambda answer: ascii(answer[:60]),
)
async def test_what_is_broken_off_or_not_http_is_told_apart_by_nobody(answer: bytes) -> None:
    assert await refusal(sends(answer), NoPictureAtUrl) == UNREACHED


async def test_a_connection_that_is_reset_midway() -> None:
    async def script(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ok()[:-10])
        await writer.drain()
        await asyncio.sleep(0.05)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    assert await refusal(script, NoPictureAtUrl) == UNREACHED


async def test_a_protocol_that_is_switched_is_no_picture() -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n" + PICTURE
    await refusal(sends(answer, pause_s=0.1), NoPictureAtUrl)


async def test_refused_unknown_and_silent_hosts_are_told_apart_by_nobody() -> None:
    async with serving(silent) as web:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            one = fetcher(web, allow=f"127.0.0.1:{port},unknown.test:81,empty.test:81", timeout_s=0.3)
            urls = (url(web), f"http://127.0.0.1:{port}/", "http://unknown.test:81/")
            messages = {await message(one, address) for address in urls}
    assert messages == {UNREACHED}


async def test_a_name_without_addresses_is_unknown() -> None:
    async with serving(silent) as web:
        one = fetcher(web, FakeNames(empty_test=[[]]))
        assert await message(one, "http://empty.test/") == UNREACHED
        assert not web.connections


# The environment


async def test_no_proxy_and_no_netrc_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login me password secret\n")
    netrc.chmod(0o600)
    async with serving(sends(ok())) as web, serving(sends(ok())) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            for spelling in (name, name.upper()):
                monkeypatch.setenv(spelling, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(netrc))
        assert await fetcher(web).picture(url(web), 30) == PICTURE
        assert proxy.connections == 0
        assert b"Authorization" not in web.heads[0]


async def test_no_cookie_is_kept_for_the_next_fetch() -> None:
    async with serving(sends(ok(PICTURE, "Set-Cookie: a=b; Path=/"))) as web:
        one = fetcher(web)
        for _ in range(2):
            assert await one.picture(url(web), 30) == PICTURE
    assert not any(b"ookie" in head for head in web.heads)


async def test_many_fetches_at_once_do_not_disturb_each_other() -> None:
    async def script(head: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(ok(PICTURE + head.split()[1]))

    async with serving(script) as web:
        one = fetcher(web)
        paths = [f"/{index}" for index in range(50)]
        contents = await asyncio.gather(*(one.picture(url(web, path), 30) for path in paths))
    assert contents == [PICTURE + path.encode() for path in paths]
