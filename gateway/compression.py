"""Answers compressed for those who ask for it by `Accept-Encoding` (RFC 9110, 12.5.3).

Most HTTP libraries ask for gzip by themselves. So small answers, which that would slow down for nothing, are
sent as they are, unless that is refused (`identity;q=0`). Pictures are not compressed a second time, failures
not at all, nor anything over HTTP/1.0, which has no way to send what has no length yet. Where nothing is
acceptable the answer comes as it is: the contract has no failure for that.

What is compressed whole says its length; an answer that comes piece by piece is compressed piece by piece
and sent in chunks, never whole in memory. Large pieces are compressed in threads. To the stage `encode` that
counts as far as it is done before the head is sent: whole for an answer in one piece, of any other the first.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

import zstandard
from isal import isal_zlib
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.quality_values import quality_values

SMALLEST_BYTES = 64 * 1024
"""What is smaller is sent as it is."""

INLINE_BYTES = 16 * 1024
"""What is no larger is compressed where it is; a thread would cost more than it frees."""

GZIP_LEVEL = 1
"""Of ISA-L's four, 0 to 3."""
ZSTD_LEVEL = 1

IDENTITY = "identity"
_LEAST = 0.0005
"""Weight of what is acceptable without being named: the least that can be named is 0.001."""

_TYPES = re.compile(r"application/json\b|text/|image/svg\+xml\b")


class Compressor(Protocol):
    """Compresses a stream."""

    def compress(self, data: bytes, /) -> bytes:
        """Take more of the stream and return what is ready, which may be nothing."""

    def flush(self) -> bytes:
        """Return what is left at the end."""


def _gzip() -> Compressor:
    return isal_zlib.compressobj(GZIP_LEVEL, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS)


def _zstd() -> Compressor:
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()


CODINGS: Mapping[str, Callable[[], Compressor]] = MappingProxyType({"zstd": _zstd, "gzip": _gzip})
"""What can be asked for; of equals the first."""


@dataclass(frozen=True, slots=True)
class Preference:
    """What an `Accept-Encoding` asks for."""

    coding: str
    """One of CODINGS, or IDENTITY."""
    always: bool = False
    """Whether an answer as it is would not be acceptable."""


@lru_cache(maxsize=64)
def preference(accepted: str) -> Preference:
    """Return what the value of `Accept-Encoding` asks for; without one nothing is asked for."""
    named = {name.removeprefix("x-"): weight for name, weight in quality_values(accepted).items()}
    others = named.get("*", 0.0)
    plain = named.get(IDENTITY, named.get("*", _LEAST))
    best = max(CODINGS, key=lambda coding: named.get(coding, others))
    weight = named.get(best, others)
    if not weight or weight < plain:
        return Preference(IDENTITY)
    return Preference(best, always=not plain)


class Compressed:
    """Compresses the answers of an application for those who ask for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI
        if scope["type"] == "http":
            send = _CompressingSend(scope, send).send
        await self._app(scope, receive, send)


class _CompressingSend:
    """One answer on its way out."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._compressor: Compressor | None = None
        self._head: Message | None = None
        """Kept back until the first piece of the body is compressed."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._compressor is None:
            await self._send(message)
        else:
            await self._compress(self._compressor, message)

    async def _begin(self, head: Message) -> None:
        headers = MutableHeaders(scope=head)
        if head["status"] == 200 and _TYPES.match(headers.get("content-type", "")):
            headers.add_vary_header("Accept-Encoding")
            coding = self._coding(headers)
            if coding != IDENTITY:
                headers["Content-Encoding"] = coding
                _weaken(headers)
                self._compressor, self._head = CODINGS[coding](), head
                return
        await self._send(head)

    def _coding(self, headers: Headers) -> str:
        if (
            self._scope["method"] == "HEAD"
            or self._scope["http_version"] == "1.0"
            or "content-encoding" in headers
        ):
            return IDENTITY
        asked = preference(",".join(Headers(scope=self._scope).getlist("accept-encoding")))
        size = int(headers.get("content-length", SMALLEST_BYTES))
        return asked.coding if asked.always or size >= SMALLEST_BYTES else IDENTITY

    async def _compress(self, compressor: Compressor, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        work = compressor.compress if more else lambda rest: compressor.compress(rest) + compressor.flush()
        piece = await asyncio.to_thread(work, body) if len(body) > INLINE_BYTES else work(body)
        if self._head is not None:
            head, self._head = self._head, None
            headers = MutableHeaders(scope=head)
            del headers["content-length"]
            if not more:
                headers["Content-Length"] = str(len(piece))
            await self._send(head)
        if piece or not more:
            await self._send({"type": "http.response.body", "body": piece, "more_body": more})


def _weaken(headers: MutableHeaders) -> None:
    """A strong tag is of one row of bytes, and these are others."""
    tag = headers.get("etag", "W/")
    if not tag.startswith("W/"):
        headers["ETag"] = f"W/{tag}"
