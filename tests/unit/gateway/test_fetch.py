"""The fetch against real servers on loopback, which the setting opens; none of them gets its way."""

import asyncio
import gzip
import os
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore
import pytest
import trustme

from gateway import fetch
from gateway.errors import GatewayError, NoPictureAtUrl, UrlRefused
from gateway.fetch import MAX_REDIRECTS, Fetcher
from gateway.resolver import SystemResolver
from gateway.url_policy import Address, Resolver, UrlPolicy
from tests.unit.gateway.web import (
    PICTURE,
    FakeNames,
    Script,
    Web,
    ok,
    redirect,
    repeats,
    sends,
    serving,
    silent,
)

UNREACHED = NoPictureAtUrl.message
MARGIN_S = 1.0
"""So much later than its deadline may a fetch end on a busy machine."""


def fetcher(
    web: Web,
    resolve: Resolver | None = None,
    *,
    allow: str = "",
    max_bytes: int = 100_000,
    timeout_s: float = 5.0,
) -> Fetcher:
    policy = UrlPolicy(f"127.0.0.1:{web.port},{allow}", "80,443")
    return Fetcher(policy, resolve or FakeNames(), max_bytes, timeout_s)


def url(web: Web, path: str = "/a.png", host: str = "127.0.0.1", scheme: str = "http") -> str:
    return f"{scheme}://{host}:{web.port}{path}"


async def fetched(script: Script, max_bytes: int = 100_000, timeout_s: float = 5.0) -> bytes:
    async with serving(script) as web:
        return await fetcher(web, max_bytes=max_bytes, timeout_s=timeout_s).picture(url(web), 30)


async def refusal(
    script: Script, kind: type[GatewayError], max_bytes: int = 100_000, timeout_s: float = 5.0
) -> str:
    """The message of the refusal, which comes in time."""
    started = time.monotonic()
    with pytest.raises(kind) as caught:
        await fetched(script, max_bytes, timeout_s)
    assert time.monotonic() - started < timeout_s + MARGIN_S
    return caught.value.message


# What is fetched


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
        gzip.compress(PICTURE),
        zlib.compress(PICTURE),
        b"\x00\x00\x00\x18ftypavif and the rest",
    ],
)
@pytest.mark.parametrize("kind", ["image/png", "text/html"])
async def test_content_that_is_no_picture_whatever_its_header_says(content: bytes, kind: str) -> None:
    message = await refusal(sends(ok(content, f"Content-Type: {kind}")), NoPictureAtUrl)
    assert "none of JPEG, PNG, WEBP, GIF, BMP, TIFF" in message


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
            messages = {await _message(one, address) for address in urls}
    assert messages == {UNREACHED}


async def _message(one: Fetcher, address: str) -> str:
    with pytest.raises(NoPictureAtUrl) as caught:
        await one.picture(address, 30)
    return caught.value.message


async def test_a_name_without_addresses_is_unknown() -> None:
    async with serving(silent) as web:
        one = fetcher(web, FakeNames(empty_test=[[]]))
        assert await _message(one, "http://empty.test/") == UNREACHED
        assert not web.connections


# Deadlines


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
        assert await _message(fetcher(web, slow, timeout_s=0.3), "http://slow.test/") == UNREACHED
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
    assert await _message(one, f"https://127.0.0.1:{port}/") == UNREACHED
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


# Addresses


@asynccontextmanager
async def two_sites() -> AsyncIterator[tuple[Web, Web]]:
    """A site that is opened, and one on the same port of an address that is not."""
    async with serving(sends(ok())) as allowed, serving(sends(ok()), "127.0.0.2", allowed.port) as secret:
        yield allowed, secret


async def test_a_name_is_resolved_once_and_the_connection_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two_sites() as (allowed, secret):
        names = FakeNames(rebinding_test=[["127.0.0.1"], ["127.0.0.2"]])
        monkeypatch.setattr(socket, "getaddrinfo", _nobody_resolves)
        one = fetcher(allowed, names)
        assert await one.picture(url(allowed, host="rebinding.test"), 30) == PICTURE
        assert names.asked == ["rebinding.test"]
        assert (allowed.connections, secret.connections) == (1, 0)
        assert f"Host: rebinding.test:{allowed.port}\r\n".encode() in allowed.heads[0]
        with pytest.raises(UrlRefused):
            await one.picture(url(allowed, host="rebinding.test"), 30)
        assert (allowed.connections, secret.connections) == (1, 0)


def _nobody_resolves(host: str | bytes | None, *args: object, **kwargs: object) -> list[object]:
    raise AssertionError(f"resolved a second time: {host!r}")


async def test_a_name_that_is_bound_anew_between_redirects_is_judged_anew() -> None:
    async with (
        serving(sends(redirect("/again"))) as web,
        serving(sends(ok()), "127.0.0.2", web.port) as secret,
    ):
        names = FakeNames(rebinding_test=[["127.0.0.1"], ["127.0.0.2"]])
        with pytest.raises(UrlRefused):
            await fetcher(web, names).picture(url(web, host="rebinding.test"), 30)
        assert names.asked == ["rebinding.test"] * 2
        assert (web.connections, secret.connections) == (1, 0)


async def test_a_name_with_an_address_that_is_not_allowed_is_not_fetched_at_all() -> None:
    async with two_sites() as (allowed, secret):
        for addresses in (["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]):
            with pytest.raises(UrlRefused):
                await fetcher(allowed, FakeNames(mixed_test=[addresses])).picture(
                    url(allowed, host="mixed.test"), 30
                )
        assert (allowed.connections, secret.connections) == (0, 0)


async def test_what_is_not_opened_is_not_connected_to() -> None:
    async with two_sites() as (_, secret):
        one = Fetcher(UrlPolicy("", f"80,{secret.port}"), FakeNames(), 1000, 5)
        for host in ("127.0.0.2", "127.2", "0x7f000002", "2130706434", "[::ffff:127.0.0.2]", "127.0.0.2."):
            with pytest.raises(UrlRefused):
                await one.picture(url(secret, host=host), 30)
        assert secret.connections == 0


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async with serving(sends(ok())) as web:
        names = FakeNames(two_test=[["127.0.0.3", "127.0.0.1"]])
        one = fetcher(web, names, allow=f"127.0.0.3:{web.port}")
        assert await one.picture(url(web, host="two.test"), 30) == PICTURE


async def test_an_address_that_is_silent_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = httpcore.AnyIOBackend.connect_tcp

    async def connect_tcp(
        backend: httpcore.AnyIOBackend, host: str, port: int, timeout: float
    ) -> httpcore.AsyncNetworkStream:
        if host == "127.0.0.3":
            await asyncio.sleep(timeout)
            raise httpcore.ConnectTimeout
        return await connect(backend, host, port, timeout)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    async with serving(sends(ok())) as web:
        names = FakeNames(two_test=[["127.0.0.3", "127.0.0.1"]])
        one = fetcher(web, names, allow=f"127.0.0.3:{web.port}", timeout_s=1)
        assert await one.picture(url(web, host="two.test"), 30) == PICTURE


async def test_the_systems_resolver_knows_localhost_and_not_what_does_not_exist() -> None:
    resolve = SystemResolver()
    assert {str(address) for address in await resolve("localhost")} <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match=r"."):
        await resolve("a" * 60 + ".invalid")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["/b.png", "b.png", "?b", "//127.0.0.1:{port}/b", "http://127.0.0.1:{port}/b"]
)
async def test_redirects_are_followed(status: int, location: str) -> None:
    async def script(head: bytes, writer: asyncio.StreamWriter) -> None:
        first = head.startswith(b"GET /a.png HTTP")
        writer.write(redirect(location.format(port=web.port), status, "Set-Cookie: a=b") if first else ok())

    async with serving(script) as web:
        assert await fetcher(web).picture(url(web), 30) == PICTURE
    assert len(web.heads) == 2
    assert b"Cookie" not in web.heads[1]
    assert b"Referer" not in web.heads[1]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433:{port}/",
        "http://127.1:{port}/",
        "http://private.test:{port}/",
        "//10.0.0.1/",
        "http://user:password@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "gopher://127.0.0.1:6379/_x",
        "data:image/png;base64,iVBORw0KGgo=",
        "http:\\\\127.0.0.1\\",
        "http://127.0.0.1:{port}/a b",
        "http://[::1",
    ],
)
async def test_a_redirect_is_judged_like_the_url_itself(location: str) -> None:
    async with two_sites() as (web, secret):
        web.script = sends(redirect(location.format(port=web.port)))
        names = FakeNames(private_test=[["127.0.0.2"]])
        with pytest.raises(UrlRefused) as caught:
            await fetcher(web, names).picture(url(web), 30)
        assert caught.value.code == 40005
        assert (web.connections, secret.connections) == (1, 0)


async def test_a_loop_is_left_after_a_few_redirects() -> None:
    async with serving(sends(redirect("/a.png"))) as web:
        with pytest.raises(UrlRefused, match="more than 3 times"):
            await fetcher(web).picture(url(web), 30)
    assert web.connections == MAX_REDIRECTS + 1


async def test_three_redirects_are_not_too_many() -> None:
    async def script(head: bytes, writer: asyncio.StreamWriter) -> None:
        hop = int(head.split()[1][1:])
        writer.write(redirect(f"/{hop + 1}") if hop < MAX_REDIRECTS else ok())

    async with serving(script) as web:
        assert await fetcher(web).picture(url(web, "/0"), 30) == PICTURE


async def test_the_body_of_a_redirect_is_not_waited_for() -> None:
    async def script(head: bytes, writer: asyncio.StreamWriter) -> None:
        if b"/a.png" not in head:
            writer.write(ok())
            return
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 1000000\r\n\r\nx")
        await asyncio.sleep(60)

    started = time.monotonic()
    assert await fetched(script) == PICTURE
    assert time.monotonic() - started < MARGIN_S


async def test_a_redirect_to_nowhere_is_a_status() -> None:
    assert "302" in await refusal(sends(b"HTTP/1.1 302 Found\r\n\r\n"), NoPictureAtUrl)


# TLS


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that is trusted."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    monkeypatch.setattr(fetch, "_certificates", lambda: context)
    return authority


def presenting(authority: trustme.CA, *identities: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*identities).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("certified", "asked"),
    [
        ("www.secure.test", "www.secure.test"),
        ("*.secure.test", "www.secure.test"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
async def test_the_certificate_is_checked_for_the_name_of_the_url(
    authority: trustme.CA, certified: str, asked: str
) -> None:
    context = presenting(authority, certified)
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with serving(sends(ok()), context=context) as web:
        names = FakeNames(www_secure_test=[["127.0.0.1"]])
        assert await fetcher(web, names).picture(url(web, host=asked, scheme="https"), 30) == PICTURE
    assert asked_for == [asked if asked == "www.secure.test" else None]


@pytest.mark.parametrize("identity", ["other.test", "127.0.0.1", "secure.test.evil.test"])
async def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, identity: str) -> None:
    async with serving(sends(ok()), context=presenting(authority, identity)) as web:
        names = FakeNames(secure_test=[["127.0.0.1"]])
        assert await _message(fetcher(web, names), url(web, host="secure.test", scheme="https")) == UNREACHED
        assert web.heads == []


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async with serving(sends(ok()), context=presenting(trustme.CA(), "127.0.0.1")) as web:
        assert await _message(fetcher(web), url(web, scheme="https")) == UNREACHED
        assert web.heads == []


async def test_a_server_without_tls_is_refused() -> None:
    async with serving(sends(ok())) as web:
        assert await _message(fetcher(web, timeout_s=1), url(web, scheme="https")) == UNREACHED
        assert web.heads == []


async def test_no_redirect_leads_from_https_to_http(authority: trustme.CA) -> None:
    async with serving(sends(ok())) as plain:
        script = sends(redirect(url(plain)))
        async with serving(script, context=presenting(authority, "127.0.0.1")) as web:
            with pytest.raises(UrlRefused, match="from https to http"):
                await fetcher(web, allow=f"127.0.0.1:{plain.port}").picture(url(web, scheme="https"), 30)
        assert plain.connections == 0


def test_the_systems_certificates_are_trusted_or_else_those_that_come_with_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    context = fetch._certificates.__wrapped__()
    assert context.cert_store_stats()["x509_ca"] > 50
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


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
