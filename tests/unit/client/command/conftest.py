"""A stand-in for a gateway, which answers as a test says, pictures, and the command run in this process."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from modelhub.bulk import patience
from modelhub.command import app

Reply = tuple[int, dict[str, str], dict[str, Any]]
SERVICE = "image_classification"
SERVICES = (SERVICE, "object_detection", "image_similarity", "semantic_segmentation")


def picture(name: str, colour: str = "red") -> bytes:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), colour).save(path)
    return path.read_bytes()


def look(name: str) -> tuple[str | None, tuple[int, int]]:
    with Image.open(name) as opened:
        return opened.format, opened.size


def classified(name: str = "cat") -> Reply:
    probs = {name: 0.75, "dog": 0.25}
    return 200, {}, {"success": True, "request_id": "1", "class": 1, "class_name": name, "class_probs": probs}


def failed(code: int, message: str = "no", **headers: str) -> Reply:
    return (
        code // 100,
        headers,
        {"success": False, "error_code": code, "error_msg": message, "request_id": "1"},
    )


class StandIn:
    """Answers every picture by `behave`, which is given its file and the number of times it has come."""

    def __init__(self) -> None:
        self.behave: Callable[[bytes, int], Reply] = lambda file, times: classified()
        self.services: tuple[str, ...] = SERVICES
        self.ill: dict[str, str] = {}
        self.asked: list[bytes] = []
        self.paths: list[str] = []
        self.tokens: set[str | None] = set()
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def described(self) -> dict[str, Any]:
        paths = {f"/api/predict/{name}": {"post": {"summary": f"What {name} says"}} for name in self.services}
        return {"paths": {**paths, "/health/live": {"get": {"summary": "Lives"}}}}

    def health(self) -> dict[str, Any]:
        states = {
            name: {"loaded": True, "ready": name not in self.ill, "reason": self.ill.get(name, "answered")}
            for name in self.services
        }
        return {"success": not self.ill, "services": states}


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/openapi.json":
                self.reply(200, {}, stand_in.described())
            elif self.path == "/health/ready":
                health = stand_in.health()
                self.reply(200 if health["success"] else 503, {}, health)
            else:
                self.reply(404, {}, {})

        def do_POST(self) -> None:
            file = self.rfile.read(int(self.headers["Content-Length"]))
            if not self.headers["Content-Type"].startswith("image/"):
                file = b"+".join(base64.b64decode(text) for text in json.loads(file).values())
            with stand_in.lock:
                stand_in.asked.append(file)
                stand_in.paths.append(self.path)
                stand_in.tokens.add(self.headers.get("Authorization"))
                times = stand_in.asked.count(file)
            self.reply(*stand_in.behave(file, times))

        def reply(self, status: int, headers: dict[str, str], answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(patience, "BUSY_PAUSE_S", 0.001)


@pytest.fixture
def gateway() -> Iterator[StandIn]:
    stand_in = StandIn()
    thread = threading.Thread(target=stand_in.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stand_in
    stand_in.server.shutdown()
    thread.join()
    stand_in.server.server_close()


Command = Callable[..., Result]


@pytest.fixture
def command(gateway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`modelhub` with the given words, in an empty folder, the stand-in being the default address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELHUB_URL", gateway.url)

    def run(*words: str, stdin: bytes | None = None) -> Result:
        result = CliRunner().invoke(app, words, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
