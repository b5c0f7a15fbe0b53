"""The two shapes of every answer, success and failure, and the request id that both carry."""

import asyncio
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.big_lists import BigList

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
RANDOM_WEIGHTS: Mapping[str, str] = MappingProxyType({"X-ModelHub-Weights": "seeded"})
"""Of an answer in whose making a net of random weights had a part."""

VARY_BY_ACCEPT: Mapping[str, str] = MappingProxyType({"Vary": "Accept"})
"""Of an answer of which there are other representations."""

ERROR_CODE = "error_code"
"""The contract's name of it; under it the state of a failed request has it, too."""

LINGER_S = 10.0
"""Seconds for which the rest of a refused body is read, so that its sender comes to read the answer."""

_PIECES_AT_ONCE = 4  # written in a thread before any is sent: each visit there costs a tenth of a millisecond

CONTENT_TYPE = "application/json; charset=utf-8"  # some clients guess at Chinese text unless they are told


def new_request_id() -> str:
    """Return 32 hexadecimal digits that no other request has."""
    return uuid.uuid4().hex


def request_id(request: Request) -> str:
    """Return the id of this request, the same however often it is asked."""
    state: dict[str, Any] = request.scope.setdefault("state", {})
    known: str | None = state.get("request_id")
    if known is None:
        known = state["request_id"] = new_request_id()
    return known


def success(identity: str, fields: Mapping[str, Any], headers: Mapping[str, str] = NO_HEADERS) -> Response:
    """Return 200 with `fields`, which may be NumPy arrays of numbers or hold such, or be a BigList."""
    common = {"request_id": identity, "success": True}
    if any(isinstance(value, BigList) for value in fields.values()):
        return PiecewiseResponse(list(_parts(common, fields)), _headers(identity) | dict(headers))
    return Response(_dump({**common, **fields}), 200, _headers(identity) | dict(headers))


def picture(identity: str, file: bytes, media_type: str, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    """Return 200 with a picture's file."""
    return Response(file, 200, {"Content-Type": media_type, "X-Request-Id": identity} | dict(headers))


def failure(
    identity: str,
    code: int,
    message: str,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    lingering: bool = False,
) -> Response:
    """Return the failure `code` under its status; `lingering` where the body of its request is on its way."""
    kind = LingeringResponse if lingering else Response
    return kind(failure_body(identity, code, message), code // 100, _headers(identity) | dict(headers))


def not_ready(identity: str, code: int, message: str, services: Mapping[str, Any]) -> Response:
    """Return the failure of a health check, the only one that says more than every failure."""
    content = _dump(_failed(identity, code, message) | {"services": services})
    return Response(content, code // 100, _headers(identity))


def failure_body(identity: str, code: int, message: str) -> bytes:
    """Return the JSON of a failure."""
    return _dump(_failed(identity, code, message))


def _failed(identity: str, code: int, message: str) -> dict[str, Any]:
    return {"request_id": identity, "success": False, "error_code": code, "error_msg": message}


def _headers(identity: str) -> dict[str, str]:
    return {"Content-Type": CONTENT_TYPE, "X-Request-Id": identity}


def _dump(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _parts(common: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[bytes | BigList]:
    """Yield what an answer consists of, in order."""
    yield _dump(common)[:-1]
    for name, value in fields.items():
        yield b"," + _dump(name) + b":"
        yield value if isinstance(value, BigList) else _dump(value)
    yield b"}"


class PiecewiseResponse(Response):
    """Sends an answer with large lists in it, which are written while what came before them is on its way.

    So a large answer is never whole in memory, and other requests go on while it is written.
    """

    def __init__(self, parts: Sequence[bytes | BigList], headers: Mapping[str, str]) -> None:
        size = sum(part.size if isinstance(part, BigList) else len(part) for part in parts)
        super().__init__(None, 200, {**headers, "Content-Length": str(size)})
        self._parts = parts

    def pieces(self) -> Iterator[bytes]:
        """Yield the body."""
        return chain.from_iterable(
            part.pieces() if isinstance(part, BigList) else (part,) for part in self._parts
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        pieces = self.pieces()
        while some := await asyncio.to_thread(lambda: list(islice(pieces, _PIECES_AT_ONCE))):
            for piece in some:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class LingeringResponse(Response):
    """Sends the whole answer, then reads and drops the rest of the request before the connection closes.

    A connection closed with unread bytes is reset, and a reset overtakes the answer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI
        headers = [*self.raw_headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await _drained(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drained(receive: Receive) -> None:
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
