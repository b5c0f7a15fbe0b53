"""The program itself, as the operator runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests import web
from tests.unit.gateway.conftest import PICTURE_BASE64, until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def started(**settings: object) -> "subprocess.Popen[str]":
    settings = {"metrics_port": free_port()} | settings
    environment = os.environ | {f"MODELHUB_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "gateway"], env=environment, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def silent_triton() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def is_live(url: str) -> bool:
    try:
        return web.get(f"{url}/health/live").status_code == 200
    except httpx.TransportError:  # also where it closes the connection while it stops
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_finishes_what_is_in_flight_before_it_stops(number: signal.Signals) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        silent_triton() as triton_port,
        started(port=port, triton_grpc_port=triton_port, deadline_s=2, max_in_flight=1) as process,
    ):
        until(lambda: is_live(url))
        with socket.create_connection(("127.0.0.1", port)) as waiting:
            body = json.dumps({"image": PICTURE_BASE64}).encode()
            waiting.sendall(
                b"POST /api/predict/ocr HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            until(lambda: web.post(f"{url}/api/predict/ocr", content=body).status_code == 429)
            process.send_signal(number)
            until(lambda: not is_live(url))
            assert b" 504 " in waiting.recv(1000)
        assert process.wait(10) == 0
        lines = [json.loads(line) for line in process.stderr or []]
    assert [line["message"] for line in lines] == ["listening", "request failed"]
    assert lines[1]["error_code"] == 50401


def test_settings_that_make_no_sense_end_it_in_words() -> None:
    with started(port=0) as process:
        assert process.wait(30) == 1
        assert process.stderr
        said = process.stderr.read()
    assert said.startswith("settings: ")
    assert "Traceback" not in said
