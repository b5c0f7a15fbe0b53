"""A server that answers each request as its script says, and keeps what it was asked."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SUCCESS = {"request_id": "an id", "success": True}


@dataclass(frozen=True)
class Reply:
    """What is sent; the last one of a script is sent again for whatever comes after it."""

    status: int = 200
    body: bytes = json.dumps(SUCCESS).encode()
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: int | None = None
    """Bytes of the body after which the connection breaks; -1: it breaks before an answer."""
    hangs: bool = False
    """It comes when the script is over."""


def failure(code: int, **headers: str) -> Reply:
    body = {"request_id": "an id", "success": False, "error_code": code, "error_msg": f"told {code}"}
    return Reply(
        code // 100,
        json.dumps(body).encode(),
        {name.replace("_", "-"): text for name, text in headers.items()},
    )


BREAKS = Reply(sent=-1)
BREAKS_HALFWAY = Reply(sent=9)
HANGS = Reply(hangs=True)


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: Message
    body: bytes


class Script:
    """The requests that came, and where."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.replies = list(replies)
        self.asked: list[Asked] = []
        self.url = ""
        self.over = threading.Event()

    def next(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def scripted(*replies: Reply) -> Iterator[Script]:
    """Serve on loopback."""
    script = Script(replies)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._reply(script.next(Asked(self.command, self.path, self.headers, body)))

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _reply(self, reply: Reply) -> None:
            if reply.hangs:
                script.over.wait()
            self.close_connection = reply.sent is not None or reply.hangs
            if reply.sent == -1 or reply.hangs:
                return
            self.send_response(reply.status)
            for name, text in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(reply.body[: reply.sent])

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield script
        finally:
            script.over.set()
            server.shutdown()
            thread.join()


@contextmanager
def refusing() -> Iterator[int]:
    """Yield a port of loopback where connections are refused: it is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
