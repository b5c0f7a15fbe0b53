"""A publisher's site on loopback, and the ways in which one can fail."""

import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.unit.export.loopback import LoopbackServer


class FileServer(LoopbackServer):
    """Serves `body` at every path but `/moved`, which leads to the others; set a fault before it is asked.

    Asked for a proxied address (an absolute one), it answers the same.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.etag: str | None = '"one"'
        self.modified: str | None = None
        self.ranges = True
        self.heeds_if_range = True
        self.declares_length = True
        self.cuts: list[int] = []
        """Bytes after which the next answers break off, one each."""
        self.short_parts = False
        """Whether a part is answered with half of what was asked for."""
        self.statuses: list[int] = []
        """Of the next answers, one each; then 200."""
        self.content_type = "application/octet-stream"
        self.after_answer: Callable[[], None] = lambda: None

    def ranges_asked(self) -> list[str]:
        """The Range headers of all requests, empty where there was none."""
        return [headers.get("range", "") for _, headers in self.requests]

    def start_of(self, headers: dict[str, str]) -> int | None:
        """Where the part begins that is to be answered; None where the whole file is."""
        found = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if not found or not self.ranges:
            return None
        same = headers.get("if-range") in {self.etag, self.modified}
        return int(found[1]) if same or not self.heeds_if_range else None

    def headers_of(self, body: bytes) -> dict[str, str]:
        """What is said of a part or the whole, beside which part it is."""
        said = {
            "ETag": self.etag,
            "Last-Modified": self.modified,
            "Content-Type": self.content_type,
            "Content-Length": str(len(body)) if self.declares_length else None,
        }
        return {name: value for name, value in said.items() if value is not None}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.requests.append((self.path, headers))
                status = site.statuses.pop(0) if site.statuses else 200
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", "/file")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif status != 200:
                    self.send_error(status)
                else:
                    self._send(site.start_of(headers))
                    site.after_answer()

            def _send(self, start: int | None) -> None:
                body = site.body[start or 0 :]
                self.send_response(200 if start is None else 206)
                if start is not None:
                    if site.short_parts:
                        body = body[: (len(body) + 1) // 2]
                    end = start + len(body) - 1
                    self.send_header("Content-Range", f"bytes {start}-{end}/{len(site.body)}")
                for name, value in site.headers_of(body).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
