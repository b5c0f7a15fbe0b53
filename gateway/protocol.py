"""Uvicorn's HTTP protocol, with bounds on what comes before a body and failures in the contract's shape."""
# ruff: noqa: D102 - the names are those of asyncio and httptools

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.errors import NotAnObject
from gateway.responses import CONTENT_TYPE, failure_body, new_request_id

MAX_HEAD_BYTES = 64 * 1024
"""Bytes that a client may send without completing a head, a piece of a body or a trailer."""

MAX_HEADERS = 200
"""Header fields of a request, those in trailers too. A browser behind two proxies sends some thirty."""

MAX_CHUNKS = 100_000
"""Pieces of a body in the chunked encoding: tiny ones cost a thousand times their bytes. 32 MiB in pieces of
1 KiB are a third of them."""

HEAD_TIMEOUT_S = 10.0
"""Seconds within which a head must be complete once it, or its connection, has begun."""


class _LimitExceeded(Exception):  # noqa: N818 - what it is
    """Ends the parsing of a request; httptools raises an error of its own instead."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses heads that are endless or slow and bodies of endless pieces, and ignores upgrades.

    The parser keeps an endless head in memory, and ends a message where an upgrade would begin. Some clients
    ask for HTTP/2 on each request, body and all.
    """

    _pending_bytes = 0
    _chunks = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_complete()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._pending_bytes += len(data)
        self._feed(data)
        if self.transport.is_closing():
            return
        if self._pending_bytes > MAX_HEAD_BYTES:
            self.send_400_response("the head of the request is too large")
        elif self.cycle is None or self.cycle.response_complete:
            self._expect_head()

    def on_message_begin(self) -> None:
        self._chunks = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MAX_HEADERS:
            raise _LimitExceeded(f"the request has more than {MAX_HEADERS} header fields")
        super().on_header(name, value)

    def on_chunk_header(self) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise _LimitExceeded(f"the body has more than {MAX_CHUNKS} chunks")

    def on_headers_complete(self) -> None:
        self._head_complete()
        if not self._upgrading():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._pending_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._upgrading():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        identity = new_request_id()
        body = failure_body(identity, NotAnObject.code, msg)
        head = (
            f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: {identity}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[400] + head.encode("ascii") + body)
        self.transport.close()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            why = error.__context__
            self.send_400_response(
                str(why) if isinstance(why, _LimitExceeded) else "the request is not valid HTTP"
            )

    def _upgrading(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Read the current head again as if it did not ask for an upgrade, then what came after it."""
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self._feed(b"\r\n".join([*lines, b"", rest]))

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _head_complete(self) -> None:
        self._pending_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
