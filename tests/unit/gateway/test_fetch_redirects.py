"""Redirects are followed, few of them, and judged like the URL itself."""

import asyncio
import time

import pytest

from gateway.errors import NoPictureAtUrl, UrlRefused
from gateway.fetch import MAX_REDIRECTS
from tests.unit.gateway.fetching import MARGIN_S, fetched, fetcher, refusal, two_sites, url
from tests.unit.gateway.web import PICTURE, FakeNames, ok, redirect, sends, serving


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
