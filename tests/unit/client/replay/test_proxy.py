"""The recorder hands on what it is given, and writes down bodies and nothing else."""

import base64
import json
import os
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from embedded.paths import ROOT
from modelhub.command import app
from modelhub.replay.proxy import MAX_BODY_BYTES, Recorder, recorder
from modelhub.replay.recording import Recorded, recorded
from tests import web
from tests.unit.client.replay.stand_in import Answered, Asked, standing_in
from tests.unit.client.scripted import refusing

BODY = '{"image":  "AAAA", "名": 1}'.encode()


def answering(asked: Asked) -> Answered:
    return Answered(
        {"path": asked.path}, 404 if "none" in asked.path else 200, {"X-Own": "7", "Set-Cookie": "a=b"}
    )


@contextmanager
def recording(url: str, out: Path) -> Iterator[tuple[Recorder, httpx.Client]]:
    with recorder(("127.0.0.1", 0), url, out) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as http:
                yield server, http
        finally:
            server.shutdown()
            thread.join()


def test_requests_are_handed_on_and_can_be_replayed(tmp_path: Path) -> None:
    out = tmp_path / "requests.jsonl"
    headers = {"Authorization": "EAS secret", "Date": "now", "Content-MD5": "0" * 32, "Content-Type": "a/b"}
    with standing_in(answering) as there, recording(there.url, out) as (server, http):
        response = http.post("/api/predict/ocr?x=1", content=BODY, headers=headers)
        missing = http.post("/api/predict/none", content=b"second")
        http.post("/elsewhere", content=b"third")
        assert server.recorded == 2
    assert (response.status_code, missing.status_code) == (200, 404)
    assert response.json() == {"path": "/api/predict/ocr?x=1"}
    assert response.headers["x-own"] == "7"
    first = there.asked[0]
    assert first.body == BODY
    assert {name: first.headers[name] for name in headers} == headers
    assert "secret" not in out.read_text()
    assert list(recorded(out, {"none": "image_similarity"})) == [
        Recorded("request 1", "ocr", BODY),
        Recorded("request 2", "image_similarity", b"second"),
    ]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_body_that_is_a_picture_is_written_as_the_documented_json(tmp_path: Path) -> None:
    out, file = tmp_path / "requests.jsonl", random.Random(7).randbytes(300)
    with standing_in(answering) as there, recording(there.url, out) as (_, http):
        http.post("/api/predict/ocr", content=file, headers={"Content-Type": "Image/PNG"})
        http.post("/api/predict/ocr", content=BODY, headers={"Content-Type": "image/png"})
    assert [asked.body for asked in there.asked] == [file, BODY]
    first, second = recorded(out, {})
    assert json.loads(first.body) == {"image": base64.b64encode(file).decode()}
    assert second.body == BODY


def test_what_one_caller_is_given_is_not_sent_for_another(tmp_path: Path) -> None:
    with standing_in(answering) as there, recording(there.url, tmp_path / "out") as (_, http):
        for _ in range(2):
            http.cookies.clear()
            http.post("/api/predict/ocr", content=b"{}")
    assert not any("Cookie" in asked.headers for asked in there.asked)


def test_a_recording_is_added_to(tmp_path: Path) -> None:
    out = tmp_path / "requests.jsonl"
    for _ in range(2):
        with standing_in(answering) as there, recording(there.url, out) as (_, http):
            http.post("/api/predict/ocr", content=BODY)
    assert len(list(recorded(out, {}))) == 2


def raw(port: int, head: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head)
        return connection.recv(100)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /api/predict/ocr HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /api/predict/ocr HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", b"411"),
        (
            b"POST /api/predict/ocr HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
            b"413",
        ),
        (b"GET @elsewhere.example/ HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
    ],
)
def test_what_cannot_be_handed_on_is_refused(tmp_path: Path, head: bytes, status: bytes) -> None:
    with standing_in(answering) as there, recording(there.url, tmp_path / "out") as (server, _):
        assert raw(server.server_port, head).split()[1] == status
    assert not there.asked


def test_headers_of_whatever_case_are_handed_on_once(tmp_path: Path) -> None:
    head = b"POST /api/predict/ocr HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\naccept-encoding: br\r\n\r\n"
    with standing_in(answering) as there, recording(there.url, tmp_path / "out") as (server, _):
        assert raw(server.server_port, head).split()[1] == b"200"
    encodings = {
        name: text for name, text in there.asked[0].headers.items() if name.lower() == "accept-encoding"
    }
    assert encodings == {"accept-encoding": "br"}


def test_where_nobody_answers_its_caller_is_told(tmp_path: Path) -> None:
    with refusing() as port, recording(f"http://127.0.0.1:{port}", tmp_path / "out") as (_, http):
        assert http.post("/api/predict/ocr", content=BODY).status_code == 502
        assert http.get("/health/live").status_code == 502


def test_the_command_listens_until_it_is_interrupted(tmp_path: Path) -> None:
    out = tmp_path / "requests.jsonl"
    with standing_in(answering) as there:
        words = ["record", "--to", there.url, "--out", str(out), "--listen", "0"]
        command = [sys.executable, "-c", "from modelhub.command import main; main()", *words]
        environment = os.environ | {
            "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}:{os.environ.get('PYTHONPATH', '')}"
        }
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
            assert process.stderr is not None
            told = re.match(r"listening at (\S+), recording into ", process.stderr.readline())
            assert told
            web.post(f"{told[1]}/api/predict/ocr", content=BODY)
            process.send_signal(signal.SIGINT)
            assert process.stderr.read().startswith("1 requests recorded")
            assert process.wait(20) == 0
    assert len(list(recorded(out, {}))) == 1


@pytest.mark.parametrize(
    "words", [["--to", "h"], ["--to", "http://h/path"], ["--to", "http://h", "--listen", "x"]]
)
def test_wrong_words_end_with_2(tmp_path: Path, words: list[str]) -> None:
    done = CliRunner().invoke(app, ["record", *words, "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
