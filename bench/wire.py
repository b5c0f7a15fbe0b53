"""HTTP/1.1 for generators of load: requests are encoded beforehand, and a connection carries one at a time.

A client library would take more of the cores than the gateway that is measured.
"""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

import httptools
import orjson

REFUSED_PAUSE_S = 0.1
"""After which somebody who was refused, 429, asks again."""


class Broken(ConnectionError):  # noqa: N818 - what became of the connection
    """No whole answer came: the connection was refused, or ended first."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came."""

    status: int
    body: bytes
    retry_after: bool
    """Whether it says when to come back."""


def post(path: str, body: bytes, content_type: str = "application/json") -> bytes:
    """Return a whole POST request for `path`."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: modelhub\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


@dataclass(slots=True)
class _Incoming:
    """Of an answer, what has come so far."""

    chunks: list[bytes] = field(default_factory=list)
    retry_after: bool = False


class Connection(asyncio.Protocol):
    """A connection to the server; `open` says whether it can carry one more request."""

    def __init__(self) -> None:
        self.open = False
        self._parser = httptools.HttpResponseParser(self)
        self._incoming = _Incoming()
        self._waiting: asyncio.Future[Response] | None = None
        self._transport: asyncio.Transport | None = None

    async def ask(self, request: bytes) -> Response:
        """Send `request` and return the answer, also one that comes before all was sent. Raises Broken."""
        self.begin(request)
        assert self._waiting is not None
        return await self._waiting

    def begin(self, some: bytes) -> None:
        """Send `some` bytes of a request and wait for nothing. Raises Broken."""
        if self._transport is None or not self.open:
            raise Broken("the connection had ended")
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(some)

    async def answer(self) -> Response:
        """Return the answer to what was begun. Raises Broken."""
        if self._waiting is None:
            raise Broken("nothing was asked")
        return await self._waiting

    def hang_up(self) -> None:
        """End the connection at once, whatever is on its way."""
        self.open = False
        if self._waiting is not None:
            self._waiting.cancel()
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self._transport, self.open = cast("asyncio.Transport", transport), True

    def data_received(self, data: bytes) -> None:  # noqa: D102
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not HTTP: {error}")
            self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self.open = False
        self._fail(str(exc or "the server closed the connection"))

    # What httptools calls

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        if name.lower() == b"retry-after" and value.isdigit():
            self._incoming.retry_after = True

    def on_body(self, body: bytes) -> None:  # noqa: D102
        self._incoming.chunks.append(body)

    def on_message_complete(self) -> None:  # noqa: D102
        incoming, self._incoming = self._incoming, _Incoming()
        response = Response(self._parser.get_status_code(), b"".join(incoming.chunks), incoming.retry_after)
        if not self._parser.should_keep_alive():
            self.open = False
            if self._transport is not None:
                self._transport.abort()  # not close: what is unsent of a refused request is of no use
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(response)

    def _fail(self, why: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Broken(why))
            self._waiting.exception()  # whoever asked may have gone: that is no fault to be reported


class Pool:
    """Connections to one server, as many as there are requests at one time."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = str(address.hostname), int(address.port or 80)
        self._idle: list[Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._idle:
            self._idle.pop().hang_up()
        await asyncio.sleep(0)  # in which the loop closes their sockets

    async def connection(self) -> Connection:
        """Return a connection that carries nothing. Raises Broken."""
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, self._host, self._port)
        except OSError as error:
            raise Broken(f"cannot connect: {error}") from None
        return connection

    async def ask(self, request: bytes, timeout_s: float) -> Response:
        """Send `request` over a connection of the pool. Raises Broken, and TimeoutError after `timeout_s`."""
        async with asyncio.timeout(timeout_s):
            connection = await self.connection()
            try:
                response = await connection.ask(request)
            except asyncio.CancelledError:
                connection.hang_up()
                raise
        if connection.open:
            self._idle.append(connection)
        return response


def fields(body: bytes) -> dict[str, object]:
    """Return the JSON object in `body`; an empty one where there is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
