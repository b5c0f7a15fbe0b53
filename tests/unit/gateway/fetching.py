"""Fetches from servers on loopback, which the setting opens."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.errors import GatewayError, NoPictureAtUrl
from gateway.fetch import Fetcher
from gateway.url_policy import Resolver, UrlPolicy
from tests.unit.gateway.web import FakeNames, Script, Web, ok, sends, serving

UNREACHED = NoPictureAtUrl.message
MARGIN_S = 20.0
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


async def message(one: Fetcher, address: str) -> str:
    """The message of the failure to fetch from `address`."""
    with pytest.raises(NoPictureAtUrl) as caught:
        await one.picture(address, 30)
    return caught.value.message


@asynccontextmanager
async def two_sites() -> AsyncIterator[tuple[Web, Web]]:
    """A site that is opened, and one on the same port of an address that is not."""
    async with serving(sends(ok())) as allowed, serving(sends(ok()), "127.0.0.2", allowed.port) as secret:
        yield allowed, secret
