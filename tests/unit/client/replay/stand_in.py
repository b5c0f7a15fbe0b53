"""A server in an endpoint's place that answers as it is told."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Asked:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def service(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass
class Answered:
    content: Any
    """JSON, or bytes."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Asked], Answered]


@dataclass
class StandIn:
    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def standing_in(script: Script) -> Iterator[StandIn]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = Asked(self.path, dict(self.headers), body)
            there.asked.append(asked)
            answered = script(asked)
            content = answered.content
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *unused: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there = StandIn(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield there
        finally:
            server.shutdown()
            thread.join()
