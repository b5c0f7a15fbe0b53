"""TERM to a gateway whose clients do nothing, the least, or the slowest: it ends, though they never do."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from embedded.settings import gateway_url
from gateway.settings import Settings
from tests import web
from tests.conftest import free_settings
from tests.live.conftest import environment

pytestmark = pytest.mark.usefixtures("launcher")

DEADLINE_S = 4.0

Client = Callable[[socket.socket], None]
"""What it does with its connection, and leaves there."""


@contextmanager
def gateway(settings: Settings, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m gateway` with no Triton, listening."""
    command = [sys.executable, "-m", "gateway"]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment(settings), stderr=output) as process,
    ):
        try:
            while process.poll() is None and not lives(settings):
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def lives(settings: Settings) -> bool:
    try:
        return web.get(gateway_url(settings, "/health/live"), timeout=60).is_success
    except httpx.TransportError:
        return False


def idle(connection: socket.socket) -> None:
    """Ask once, and keep the connection."""
    connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n")
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def half_sent_head(connection: socket.socket) -> None:
    connection.sendall(b"POST /api/predict/ocr HTTP/1.1\r\nhost: a\r\ncontent-le")


def half_sent_body(connection: socket.socket) -> None:
    connection.sendall(b"POST /api/predict/ocr HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{")


def never_read(connection: socket.socket) -> None:
    """Ask for more than the kernel's buffers hold, and read none of it."""
    connection.setblocking(False)
    with ExitStack() as stack:
        stack.callback(connection.setblocking, True)
        try:
            for _ in range(400):
                connection.send(b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n")
        except BlockingIOError:
            pass


CLIENTS: list[Client] = [idle, half_sent_head, half_sent_body, never_read]


@pytest.mark.parametrize(
    "clients",
    [*([one] for one in CLIENTS), CLIENTS * 20],
    ids=[*(one.__name__ for one in CLIENTS), "eighty of all kinds"],
)
def test_no_client_keeps_it_from_ending(clients: list[Client], tmp_path: Path) -> None:
    settings = free_settings(deadline_s=DEADLINE_S)
    with ExitStack() as stack:
        process = stack.enter_context(gateway(settings, tmp_path / "log"))
        for behave in clients:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", settings.port)))
            behave(connection)
        # Connections are taken in turn: when two later ones are answered, what was sent has been read.
        assert lives(settings)
        assert lives(settings)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0, (tmp_path / "log").read_text()
        if clients == [half_sent_body]:
            assert b" 504 " in connection.recv(4096)
