"""What the probe takes for a living Triton, against a stand-in that answers as Triton does."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends import probe
from embedded.paths import ROOT
from embedded.repository import read_configs
from gateway.health import white_png
from gateway.services import SERVICES
from vision.manifest import Profile
from vision.picture import decode_image

DEAD = (500, '{"error":"Stub process \'ocr_preprocess_0_0\' is not healthy."}')
FULL = (503, '{"error":"Exceeds maximum queue size"}')

Answer = Callable[[str], tuple[int, str]]


class Server(ThreadingHTTPServer):
    request_queue_size = 64  # five, and the probe's twenty connections at one time are refused


class FakeTriton:
    """Metadata of models of one input, but two for `image_similarity`, and what `infer` answers."""

    def __init__(self) -> None:
        self.answer: Answer = lambda model: (200, "{}")
        self.asked: Counter[str] = Counter()
        self.requests: list[dict[str, Any]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                model = self.path.rpartition("/")[2]
                names = SERVICES[model].pictures if model in SERVICES else ("image",)
                inputs = [{"name": name, "datatype": "BYTES", "shape": [-1, 1]} for name in names]
                self._send(200, json.dumps({"name": model, "inputs": inputs}))

            def do_POST(self) -> None:
                model = self.path.split("/")[-2]
                fake.asked[model] += 1
                fake.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._send(*fake.answer(model))

            def _send(self, status: int, text: str) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


@pytest.fixture
def triton() -> Iterator[FakeTriton]:
    fake = FakeTriton()
    serving = threading.Thread(target=fake.server.serve_forever, args=[0.01])
    serving.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    serving.join()


def found(triton: FakeTriton, *names: str, budget_s: float = 10) -> list[str]:
    return probe.problems(names, "127.0.0.1", triton.port, budget_s)


def test_picture_is_the_gateways() -> None:
    assert np.array_equal(decode_image(base64.b64decode(probe.PICTURE)), decode_image(white_png(32)))


def test_all_is_well(triton: FakeTriton) -> None:
    assert found(triton, *SERVICES) == []
    assert triton.asked == dict.fromkeys(SERVICES, probe.TOGETHER)


def test_every_input_is_given_the_picture(triton: FakeTriton) -> None:
    found(triton, "image_similarity")
    (request, *_) = triton.requests
    names = [entry["name"] for entry in request["inputs"]]
    assert names == list(SERVICES["image_similarity"].pictures)
    assert all(entry["shape"] == [1, 1] and entry["data"] == [probe.PICTURE] for entry in request["inputs"])


def test_a_dead_process_is_found_though_it_takes_one_request_of_two(triton: FakeTriton) -> None:
    triton.answer = lambda model: DEAD if model == "ocr" and triton.asked["ocr"] == 2 else (200, "{}")
    (told,) = found(triton, "image_classification", "ocr")
    assert told.startswith("ocr: 500")
    assert "not healthy" in told


def test_a_busy_triton_is_alive(triton: FakeTriton) -> None:
    triton.answer = lambda model: FULL
    assert found(triton, *SERVICES) == []


def test_a_model_that_is_not_there_is_a_problem(triton: FakeTriton) -> None:
    triton.answer = lambda model: (400, "Request for unknown model: 'ocr' is not found")
    assert found(triton, "ocr")


def test_a_hung_triton_is_a_problem_when_the_time_is_over(triton: FakeTriton) -> None:
    released = threading.Event()

    def wait(model: str) -> tuple[int, str]:
        released.wait(20)
        return 200, "{}"

    triton.answer = wait
    start = time.monotonic()
    (told,) = found(triton, "ocr", budget_s=0.5)
    released.set()
    assert time.monotonic() - start < 5
    assert "Timeout" in told or "timed out" in told


def test_a_triton_that_is_down_is_a_problem(triton: FakeTriton) -> None:
    port = triton.port
    triton.server.server_close()
    assert probe.problems(["ocr"], "127.0.0.1", port, 5)


def test_no_proxy_is_asked(triton: FakeTriton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert found(triton, "ocr") == []


@pytest.mark.parametrize("profile", Profile)
def test_ensembles_are_the_services(profile: Profile) -> None:
    assert set(probe.ensembles(ROOT / profile.repository)) == set(SERVICES)


def test_no_step_has_more_processes_than_are_asked_together() -> None:
    for profile in Profile:
        for config in read_configs(ROOT / profile.repository):
            assert all(group.count <= probe.TOGETHER for group in config.instance_group), config.name


def test_status_and_words(
    triton: FakeTriton, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELHUB_PROFILE", "lite")
    assert probe.main(["--port", str(triton.port)]) == 0
    assert capsys.readouterr().err == ""
    triton.answer = lambda model: DEAD
    assert probe.main(["--port", str(triton.port)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == len(SERVICES)


def test_a_repository_without_ensembles_is_a_problem(
    triton: FakeTriton, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe.main(["--port", str(triton.port), "--repository", str(tmp_path)]) == 1
    assert "no ensemble" in capsys.readouterr().err
