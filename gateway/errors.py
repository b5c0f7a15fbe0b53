"""Everything that can go wrong with a request, and the one registry that answers for it.

GatewayError
├── NotAnObject         40001
├── InvalidField        40002
├── UrlRefused          40005
├── NotAuthorized       40101
│   └── BodyNotAsSigned 40101
├── NoSuchService       40401
├── MethodNotAllowed    40501
├── BodyTooLarge        41301
├── NoPictureAtUrl      42201
├── TooManyRequests     42901
├── InternalFault       50001
├── ModelUnavailable    50301
│   └── DeadModel       50301
└── DeadlinePassed      50401
    ├── CallerDeadlinePassed 50401
    └── SlowBody        50401

`modelhub_pictures.errors.PictureError` (40003, 40004, 41302) has the same `code`.
The HTTP status is `code // 100`.
"""

# ruff: noqa: N818 - the base carries the word

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.responses import ERROR_CODE, NO_HEADERS, failure, request_id
from modelhub_pictures.errors import PictureError

log = logging.getLogger(__name__)

CLIENT_CLOSED_REQUEST = 499
"""The status of what nobody waits for any more."""


class GatewayError(Exception):
    """A request that cannot be answered; `code` is the contract's `error_code`.

    `message` is for the caller, `detail` for our log alone.
    """

    code: ClassVar[int]
    message: str
    is_server_fault: ClassVar[bool] = False
    """Whether an operator should hear of it."""
    body_unread: ClassVar[bool] = False
    """Whether the rest of the body is still on its way, so that the connection cannot be used again."""

    def __init__(
        self, message: str = "", *, detail: str = "", headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        self.message = message or self.message
        self.detail = detail
        self.headers = headers
        super().__init__(self.message)

    def public_message(self, _request_id: str) -> str:
        """Return what the caller is told."""
        return self.message


class NotAnObject(GatewayError):
    """The body is not a JSON object."""

    code = 40001
    message = "the body is not a JSON object"


class InvalidField(GatewayError):
    """A required field is missing or not of its type."""

    code = 40002
    message = "image: Field required"


class UrlRefused(GatewayError):
    """The URL is refused by policy (scheme, host, port, redirect, private address)."""

    code = 40005
    message = "the URL is refused: its host is not at a public address"


class NotAuthorized(GatewayError):
    """The token or signature is missing or wrong, where one is configured."""

    code = 40101
    message = "the token or signature is wrong, or does not open this service"
    body_unread = True

    def __init__(self, message: str = "", *, detail: str = "") -> None:
        super().__init__(message, detail=detail, headers={"WWW-Authenticate": 'Bearer realm="modelhub"'})


class BodyNotAsSigned(NotAuthorized):
    """The body has another MD5 than the one that was signed."""

    message = "the body has another MD5 than Content-MD5 says"
    body_unread = False


class NoSuchService(GatewayError):
    """There is no such service."""

    code = 40401
    message = "no such service; /openapi.json lists those there are"


class MethodNotAllowed(GatewayError):
    """The method is not allowed; `Allow` names those that are."""

    code = 40501
    message = "method not allowed"


class BodyTooLarge(GatewayError):
    """The body is larger than the limit."""

    code = 41301
    message = "the body is larger than the limit"
    body_unread = True


class ExpandedBodyTooLarge(BodyTooLarge):
    """The body has arrived, and expands to more than the limit."""

    body_unread = False


class NoPictureAtUrl(GatewayError):
    """The URL was fetched but did not give an image (status, type, size, timeout)."""

    code = 42201
    message = (
        "nothing could be fetched from the URL: its host is unknown, did not answer in time or broke off, "
        "or has no valid certificate"
    )


class TooManyRequests(GatewayError):
    """Too many requests are in flight; `Retry-After` says in how many seconds to come back."""

    code = 42901
    message = "too many requests in flight"

    def __init__(self, *, detail: str = "") -> None:
        super().__init__(detail=detail, headers={"Retry-After": "1"})


class InternalFault(GatewayError):
    """A fault of ours; the message names the request id and nothing else."""

    code = 50001
    message = "a fault on our side"
    is_server_fault = True

    def public_message(self, request_id: str) -> str:  # noqa: D102
        return f"{self.message}; its request id is {request_id}"


class ModelUnavailable(GatewayError):
    """The model is not loaded, or the inference server is not reachable."""

    code = 50301
    message = "the model is not loaded, or the inference server is not reachable"
    is_server_fault = True


class DeadModel(ModelUnavailable):
    """A process of `model` has died; another one, or the reloaded model, can answer."""

    def __init__(self, model: str, *, detail: str = "") -> None:
        super().__init__(detail=detail)
        self.model = model


class DeadlinePassed(GatewayError):
    """The deadline passed; the work was cancelled."""

    code = 50401
    message = "the deadline passed; the work was cancelled"
    is_server_fault = True


class CallerDeadlinePassed(DeadlinePassed):
    """The deadline passed that the caller had shortened."""

    is_server_fault = False


class SlowBody(DeadlinePassed):
    """The deadline passed before the body was there."""

    message = "the deadline passed before the whole body arrived"
    is_server_fault = False
    body_unread = True


def _record_code(request: Request, code: int) -> None:
    """Leave the code where `gateway.observation` finds it."""
    request.scope.setdefault("state", {})[ERROR_CODE] = code


async def _on_gateway_error(request: Request, error: GatewayError) -> Response:
    identity = request_id(request)
    if error.is_server_fault:
        _log_failure(request, error)
    message = error.public_message(identity)
    _record_code(request, error.code)
    return failure(identity, error.code, message, error.headers, lingering=error.body_unread)


async def _on_picture_error(request: Request, error: PictureError) -> Response:
    _record_code(request, error.code)
    return failure(request_id(request), error.code, str(error))


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer for the router, which knows only unknown paths and wrong methods."""
    if error.status_code == 405:
        return await _on_gateway_error(request, MethodNotAllowed(headers=error.headers or NO_HEADERS))
    return await _on_gateway_error(request, NoSuchService())


async def _on_disconnect(_request: Request, _error: ClientDisconnect) -> Response:
    """Answer nobody: the server drops what is sent to a closed connection."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)


def _log_failure(request: Request, error: GatewayError) -> None:
    fields = {
        "request_id": request_id(request),
        "path": request.url.path,
        "error_code": error.code,
        "detail": error.detail,
    }
    log.error("request failed", extra={"fields": fields}, exc_info=error.__cause__)


HANDLERS: dict[Any, Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    GatewayError: _on_gateway_error,
    PictureError: _on_picture_error,
    HTTPException: _on_http_exception,
    ClientDisconnect: _on_disconnect,
}


class FaultBarrier:
    """Answers for every exception that nobody foresaw; Starlette's own handler would raise it again after."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            fault = InternalFault(detail=repr(error))
            fault.__cause__ = error
            response = await _on_gateway_error(Request(scope), fault)
            await response(scope, receive, send)
