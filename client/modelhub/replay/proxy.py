"""A recorder: hands requests on to an endpoint and its answers back, and writes down what was asked.

What is written can be replayed (`recording`): the names of services and the bodies of the POSTs to
`/api/predict/NAME`. Headers are handed on and not written: tokens and signatures stay with their callers.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import httpx
import orjson

from modelhub.http import PREFIX, certificates, documented_body

MAX_BODY_BYTES = 64 * 1024 * 1024
"""A larger body is refused: twice what the gateway takes."""

TIMEOUT_S = 120.0
"""For an answer, and for a caller's next byte."""

_OF_ONE_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade", "host", "content-length"}
)  # fmt: skip
"""Headers that are not handed on (RFC 9110 7.6.1), and those that are made anew."""


class Recorder(ThreadingHTTPServer):
    """Listens at `address`, hands on to `url` and appends to `file`; `serve_forever` begins."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], url: str, file: BinaryIO, http: httpx.BaseTransport) -> None:
        super().__init__(address, _Handler)
        self._url, self._file, self._http = url.rstrip("/"), file, http
        self._writing = Lock()
        self.recorded = 0
        """How many requests were written down."""

    def hand_on(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[httpx.Response, bytes]:
        """Return the endpoint's response and its body as it came. Raises httpx.HTTPError."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _OF_ONE_CONNECTION}
        # An encoding that the caller did not ask for is not asked for in its name.
        asked = httpx.Headers(
            {"Accept-Encoding": "identity", "Accept": "*/*", "User-Agent": "modelhub-record"}
        )
        asked.update(kept)  # by names in whatever case
        timeout = {"timeout": httpx.Timeout(TIMEOUT_S).as_dict()}
        request = httpx.Request(method, self._url + target, headers=asked, content=body, extensions=timeout)
        # By the transport itself: a client would keep one caller's cookies for the next.
        response = self._http.handle_request(request)
        try:
            return response, b"".join(response.iter_raw())
        finally:
            response.close()

    def write(self, target: str, content_type: str, body: bytes) -> None:
        """Write down a request, if its body is text, or a picture: that is written as the documented JSON."""
        name = target.partition("?")[0].removeprefix(PREFIX)
        is_picture = content_type.lower().startswith("image/") and not body.lstrip().startswith(b"{")
        try:
            text = (documented_body([body]) if is_picture else body).decode("utf-8")
        except UnicodeDecodeError:
            return
        with self._writing:
            self.recorded += 1
            row = {"id": f"request {self.recorded}", "service": name, "body": text}
            self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            self._file.flush()


class _Handler(BaseHTTPRequestHandler):
    server: Recorder
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S

    def parse_request(self) -> bool:
        """Refuse targets that would change the host when they are put behind it."""
        if not super().parse_request():
            return False
        if not self.path.startswith("/"):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        return True

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(length))
            if self.path.startswith(PREFIX):
                self.server.write(self.path, self.headers.get("Content-Type", ""), body)
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        try:
            headers = dict(self.headers.items())
            response, content = self.server.hand_on(self.command, self.path, headers, body)
        except httpx.HTTPError as error:
            self.send_error(HTTPStatus.BAD_GATEWAY, explain=type(error).__name__)
            return
        self.send_response_only(response.status_code)
        for name, value in response.headers.multi_items():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: a request's target may hold a token."""


@contextmanager
def recorder(address: tuple[str, int], url: str, out: Path) -> Iterator[Recorder]:
    """Yield a recorder that adds to the file `out`, which only its owner may read. Raises OSError."""
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with (
        os.fdopen(descriptor, "ab") as file,
        httpx.HTTPTransport(verify=certificates(), trust_env=False) as http,
        Recorder(address, url, file, http) as server,
    ):
        yield server
