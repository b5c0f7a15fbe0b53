"""`gateway.traces` by OpenTelemetry's SDK, which sends batches by OTLP over HTTP.

The SDK's own variables hold beside our one setting, such as `OTEL_TRACES_SAMPLER` and
`OTEL_RESOURCE_ATTRIBUTES`. By default every request is recorded, but for those whose callers say that their
traces are not.
"""

import time
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.timing import Timing

SERVICE_NAME = "modelhub-gateway"
EXPORT_TIMEOUT_S = 3.0
"""Seconds within which a batch must be taken; at the gateway's end too."""

_PROPAGATOR = TraceContextTextMapPropagator()


class OpenTelemetryTraces:
    """Sends spans to a collector; where it does not answer they are dropped, and a log line says so."""

    def __init__(self, url: str) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": SERVICE_NAME}),
            shutdown_on_exit=False,  # `close` does
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=EXPORT_TIMEOUT_S)))
        self._tracer = self._provider.get_tracer("gateway")

    def begin(self, headers: Mapping[str, str], began_ns: int) -> "_RequestSpan":  # noqa: D102
        context = _PROPAGATOR.extract(headers)
        span = self._tracer.start_span(
            "request", context=context, kind=trace.SpanKind.SERVER, start_time=began_ns
        )
        return _RequestSpan(self._tracer, span)

    def close(self) -> None:  # noqa: D102
        self._provider.shutdown()


class _RequestSpan:
    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span
        self._context = trace.set_span_in_context(span)

    def propagation_headers(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        if self._span.is_recording():
            _PROPAGATOR.inject(headers, self._context)
        return headers

    def end(self, name: str, attributes: Mapping[str, str | int], timing: Timing) -> None:
        for stage, (began_ns, ended_ns) in timing.spans.items():
            self._tracer.start_span(stage, self._context, start_time=began_ns).end(ended_ns)
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if int(attributes["http.response.status_code"]) >= 500:
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end(time.time_ns())
