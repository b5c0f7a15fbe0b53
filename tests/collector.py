"""A collector of OpenTelemetry traces, in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

import pybase64
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(NamedTuple):
    service: str
    name: str
    trace: str
    id: str
    parent: str
    began_ns: int
    ended_ns: int
    attributes: dict[str, str]


class Collector:
    """Takes OTLP over HTTP, and remembers."""

    def __init__(self) -> None:
        spans = self.spans = list[Span]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                spans.extend(read(body, self.headers["Content-Type"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"


def read(body: bytes, content_type: str) -> Iterator[Span]:
    """The spans of a request: the gateway sends protobuf, Triton 24.10 JSON."""
    if content_type == "application/json":
        request = json_format.Parse(body, ExportTraceServiceRequest())
        # JSON has ids in hexadecimal digits, which this parser has taken for Base64.
        identity: Callable[[bytes], str] = pybase64.b64encode_as_string
    else:
        request = ExportTraceServiceRequest.FromString(body)
        identity = bytes.hex
    for resource in request.resource_spans:
        service = {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"]
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield Span(
                service,
                span.name,
                identity(span.trace_id),
                identity(span.span_id),
                identity(span.parent_span_id),
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes},
            )


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    thread = Thread(target=collector.server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join()
