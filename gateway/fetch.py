"""Fetches pictures by URL: only from where the policy allows, within one deadline, a bounded number of bytes.

httpcore speaks HTTP here. It has no redirects, cookies, credentials, proxies or decompression to switch off,
and it connects through a backend of ours, which knows nothing but the addresses that the policy allowed.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache

import certifi
import httpcore

from gateway.errors import NoPictureAtUrl, UrlRefused
from gateway.url_policy import Address, Resolver, Target, UrlPolicy
from modelhub_pictures.formats import HEAD_BYTES, NAMED_BYTES, format_of, refusal

MAX_REDIRECTS = 3
USER_AGENT = "modelhub-triton/1"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)
"""What comes of hosts that are unknown, silent, or speak something else; OSError has TimeoutError in it."""


class Fetcher:
    """Fetches pictures; `resolve` is asked for the addresses of names."""

    def __init__(self, policy: UrlPolicy, resolve: Resolver, max_bytes: int, timeout_s: float) -> None:
        self._policy = policy
        self._resolve = resolve
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def picture(self, url: str, timeout_s: float) -> bytes:
        """Return the picture file at `url`, within `timeout_s` and our own bound; cancelling ends the fetch.

        Raises UrlRefused, and NoPictureAtUrl, whose message is the same for every failure before an answer:
        who asks for many URLs must not learn which hosts and ports there are.
        """
        ends_at = time.monotonic() + min(timeout_s, self._timeout_s)
        try:
            async with asyncio.timeout(ends_at - time.monotonic()):
                return await self._followed(Target.parse(url), ends_at)
        except _BROKEN:
            raise NoPictureAtUrl from None

    async def pictures(self, urls: Mapping[str, str], timeout_s: float) -> dict[str, bytes]:
        """Return the picture files at `urls` by their keys, all fetched at the same time as `picture` does.

        The first failure ends the others; its message begins with its key.
        """
        try:
            async with asyncio.TaskGroup() as group:
                fetches = {
                    key: group.create_task(self._named(key, url, timeout_s)) for key, url in urls.items()
                }
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return {key: fetch.result() for key, fetch in fetches.items()}

    async def _named(self, key: str, url: str, timeout_s: float) -> bytes:
        try:
            return await self.picture(url, timeout_s)
        except (UrlRefused, NoPictureAtUrl) as error:
            raise type(error)(f"{key}: {error.message}") from None

    async def _followed(self, target: Target, ends_at: float) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            addresses = await self._policy.addresses(target, self._resolve)
            async with _answer(target, addresses, ends_at) as response:
                if response.status not in _REDIRECTS:
                    return await self._content(response)
                location = _header(response, b"location")
                if location is None:
                    raise _status(response)
                target = target.redirected(location.decode("utf-8", "replace"))
        raise UrlRefused(f"the URL is refused: it redirects more than {MAX_REDIRECTS} times")

    async def _content(self, response: httpcore.Response) -> bytes:
        if response.status != 200:
            raise _status(response)
        self._check_size(int(_header(response, b"content-length") or 0))
        content = bytearray()
        async for chunk in response.aiter_stream():
            content += chunk
            self._check_size(len(content))
            if len(content) >= HEAD_BYTES:
                _check_format(content)
        _check_format(content)
        return bytes(content)

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise NoPictureAtUrl(f"the URL gives more bytes than the limit, which is {self._max_bytes}")


def _check_format(content: bytearray) -> None:
    head = bytes(content[:NAMED_BYTES])
    if format_of(head[:HEAD_BYTES]) is None:
        raise NoPictureAtUrl(f"the URL did not give an image: {refusal(head)}")


def _status(response: httpcore.Response) -> NoPictureAtUrl:
    return NoPictureAtUrl(f"the URL did not give an image: its host answered with status {response.status}")


def _header(response: httpcore.Response, name: bytes) -> bytes | None:
    return next((value for key, value in response.headers if key.lower() == name), None)


@asynccontextmanager
async def _answer(
    target: Target, addresses: Sequence[Address], ends_at: float
) -> AsyncIterator[httpcore.Response]:
    """Ask `target` at one of `addresses`; its answer has a head, and its body comes as it is read."""
    url = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode(),
    )
    headers = [
        ("Host", target.authority),
        ("User-Agent", USER_AGENT),
        ("Accept", "image/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    backend = PinnedBackend(addresses, ends_at)
    connection = httpcore.AsyncHTTPConnection(
        url.origin, ssl_context=_certificates(), network_backend=backend
    )
    try:
        async with connection.stream("GET", url, headers=headers) as response:
            yield response
    finally:
        await backend.close()


@cache
def _certificates() -> ssl.SSLContext:
    """Return what the system trusts, and what certifi does too unless the system has it in one file."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        context.load_verify_locations(certifi.where())
    return context


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the first of `addresses` that answers, whatever name it is told; it resolves none."""

    def __init__(self, addresses: Sequence[Address], ends_at: float) -> None:
        self._addresses = addresses
        self._ends_at = ends_at
        self._system = httpcore.AnyIOBackend()
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(  # noqa: D102 - as in the base
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        untried = len(self._addresses)
        for address in self._addresses:
            share = (self._ends_at - time.monotonic()) / untried
            untried -= 1
            try:
                self._stream = await self._system.connect_tcp(str(address), port, timeout=share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return self._stream
        raise httpcore.ConnectError

    async def close(self) -> None:
        """Close the connection, which httpcore leaves open where a TLS handshake is cancelled."""
        if self._stream is not None:
            await self._stream.aclose()
