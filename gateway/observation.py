"""What every request leaves behind: counts, durations, `Server-Timing`, a log line, a span.

`Observed` stands outside of everything else of the application, so that it sees answers as the caller does.
It knows the contract's code of an answer by `scope["state"][ERROR_CODE]`, which `gateway.errors` writes.
"""

import logging
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import metrics, paths
from gateway.errors import CLIENT_CLOSED_REQUEST, InternalFault
from gateway.logs import REQUEST_ID
from gateway.responses import ERROR_CODE, request_id
from gateway.services import SERVICES
from gateway.timing import timing_of
from gateway.traces import Span, Traces, propagating

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
"""The service of a path that names none: a label of the caller's own would be a series for each."""

MAX_LOGGED_CHARACTERS = 200
"""Of a path in a log line."""


class Observed:
    """Observes requests to services; all other requests have `Server-Timing` and a log line, too."""

    def __init__(self, app: ASGIApp, *, access_log: bool = False, traces: Traces | None = None) -> None:
        self._app = app
        self._access_log = access_log
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        span = self._span(exchange)
        identity = REQUEST_ID.set(exchange.identity)
        try:
            with propagating(span):
                await self._app(scope, exchange.receive, exchange.send)
        finally:
            REQUEST_ID.reset(identity)
            self._report(exchange, span)

    def _span(self, exchange: "_Exchange") -> Span | None:
        if self._traces is None or not exchange.service:
            return None
        return self._traces.begin(exchange.headers, exchange.timing.began_ns)

    def _report(self, exchange: "_Exchange", span: Span | None) -> None:
        if exchange.service:
            exchange.count()
        if span:
            span.end(
                f"{exchange.method} {paths.PREDICT}{exchange.service}", exchange.attributes(), exchange.timing
            )
        if self._access_log:
            log.info("request", extra={"fields": exchange.log_fields()})


class _Exchange:
    """A request and its answer, seen as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._state: dict[str, Any] = scope.setdefault("state", {})
        self._receive, self._send = receive, send
        self._path: str = scope["path"]
        self._status = 0
        self._bytes_in = self._bytes_out = 0
        self._last_byte_s = 0.0
        self.method: str = scope["method"]
        self.headers = Headers(scope=scope)
        self.identity = request_id(Request(scope))
        self.timing = timing_of(scope)
        self.service = ""
        """A name of the table or `unknown`; empty for paths that are of no service at all."""
        if self._path.startswith(paths.PREDICT):
            name = self._path.removeprefix(paths.PREDICT)
            self.service = name if name in SERVICES else UNKNOWN

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self.timing.begin_answer()
            MutableHeaders(scope=message)["Server-Timing"] = self.timing.header()
        await self._send(message)
        # An answer that lingers for the rest of its request ends with an empty piece: it was there before.
        if body := message.get("body"):
            self._bytes_out += len(body)
            self._last_byte_s = self.timing.elapsed_s()

    @property
    def code(self) -> int:
        """The contract's code, or the status of an answer that has none; 50001 if there was no answer."""
        code: int = self._state.get(ERROR_CODE) or self._status or InternalFault.code
        return code

    def count(self) -> None:
        if self._status == CLIENT_CLOSED_REQUEST:
            metrics.HANG_UPS.labels(self.service).inc()
            return
        metrics.REQUESTS.labels(self.service, str(self.code)).inc()
        metrics.DURATION.labels(self.service).observe(self._last_byte_s)
        for stage, (began_ns, ended_ns) in self.timing.spans.items():
            metrics.STAGE_DURATION.labels(self.service, stage).observe((ended_ns - began_ns) / 1e9)

    def attributes(self) -> dict[str, str | int]:
        """Return its attributes in a trace."""
        return {
            "http.request.method": self.method,
            "http.response.status_code": self._status or InternalFault.code // 100,
            "modelhub.service": self.service,
            "modelhub.code": self.code,
            "modelhub.request_id": self.identity,
        }

    def log_fields(self) -> dict[str, object]:
        """Return the fields of its log line."""
        line: dict[str, object] = {
            "request_id": self.identity,
            "method": self.method,
            "path": self._path[:MAX_LOGGED_CHARACTERS],
            "service": self.service,
            "code": self.code,
            "bytes_in": self._bytes_in,
            "bytes_out": self._bytes_out,
            "seconds": {name: round(seconds, 4) for name, seconds in self.timing.seconds().items()},
            "seconds_to_last_byte": round(self._last_byte_s, 4),
        }
        if traceparent := self.headers.get("traceparent"):
            line["traceparent"] = traceparent[:MAX_LOGGED_CHARACTERS]
        return line
