"""The fetch connects to addresses that were judged and to no others."""

import asyncio
import socket

import httpcore
import pytest

from gateway.errors import UrlRefused
from gateway.fetch import Fetcher
from gateway.resolver import SystemResolver
from gateway.url_policy import UrlPolicy
from tests.unit.gateway.fetching import fetcher, two_sites, url
from tests.unit.gateway.web import PICTURE, FakeNames, ok, redirect, sends, serving


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
