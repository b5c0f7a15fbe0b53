import base64
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from gateway.__main__ import server
from gateway.app import create_app
from gateway.health import white_png
from gateway.settings import Settings
from gateway.url_policy import Resolver
from tests.unit.gateway.fakes import FakeTriton

PICTURE = white_png(8)
PICTURE_BASE64 = base64.b64encode(PICTURE).decode("ascii")

ServeApp = Callable[..., int]


@pytest.fixture
def triton() -> FakeTriton:
    return FakeTriton()


@pytest.fixture
async def client(triton: FakeTriton) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(Settings(), triton) as http:
        yield http


def client_of(settings: Settings, triton: FakeTriton, resolve: Resolver | None = None) -> httpx.AsyncClient:
    """A client of the application itself, without HTTP between."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(settings, triton, resolve)), base_url="http://gateway"
    )


@pytest.fixture
def serve(triton: FakeTriton) -> Iterator[ServeApp]:
    """Starts the real server in front of the fake Triton; returns its port."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(_served(Settings(**settings), triton))


@contextmanager
def _served(settings: Settings, triton: FakeTriton) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    running = server(settings, create_app(settings, triton))
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    until(lambda: running.started)
    try:
        yield listener.getsockname()[1]
    finally:
        running.should_exit = True
        thread.join()


def until(condition: Callable[[], bool], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
