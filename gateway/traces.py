"""Traces of requests: a span each with its stages below it, part of the caller's trace where it has one.

Where tracing is off `open_traces` returns None and imports nothing of OpenTelemetry.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from gateway.timing import Timing

_PROPAGATED: ContextVar[Mapping[str, str]] = ContextVar("propagated")


class Span(Protocol):
    """The span of one request."""

    def propagation_headers(self) -> Mapping[str, str]:
        """Return the W3C headers by which Triton's spans come below this one; none if it is not recorded."""

    def end(self, name: str, attributes: Mapping[str, str | int], timing: Timing) -> None:
        """End it, with a span below it for each stage of `timing`."""


class Traces(Protocol):
    """Makes spans, and sends them away from a thread of its own."""

    def begin(self, headers: Mapping[str, str], began_ns: int) -> Span:
        """Begin the span of a request, below the one that its `traceparent` names, if it has one."""

    def close(self) -> None:
        """Send what is left, for as long as `gateway.open_telemetry.EXPORT_TIMEOUT_S`."""


def open_traces(url: str) -> Traces | None:
    """Return what sends traces to `url` by OTLP over HTTP; None without a URL."""
    if not url:
        return None
    from gateway.open_telemetry import OpenTelemetryTraces  # noqa: PLC0415 - takes time, and most do without

    return OpenTelemetryTraces(url)


def propagating(span: Span | None) -> AbstractContextManager[None]:
    """Give `metadata` of the block, and of its tasks, what `span` carries."""
    return _propagating(span.propagation_headers() if span else {})


@contextmanager
def _propagating(headers: Mapping[str, str]) -> Iterator[None]:
    token = _PROPAGATED.set(headers)
    try:
        yield
    finally:
        _PROPAGATED.reset(token)


def metadata() -> list[tuple[str, str]]:
    """Return the gRPC metadata that make Triton's spans part of this request's trace; none if it has none."""
    return list(_PROPAGATED.get({}).items())
