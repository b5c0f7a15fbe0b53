"""Processes of the real Triton are killed under load: no caller sees it, and soon all are there again."""

import base64
import io
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from embedded.paths import REPOSITORY
from embedded.repository import read_configs
from embedded.stubs import live_stubs
from embedded.system import System
from gateway.errors import InternalFault
from gateway.triton import GrpcTriton
from gateway.triton_repository import GrpcRepository
from modelhub_pictures.request_parameters import ALIVE
from tests import web
from tests.unit.gateway.conftest import until

pytestmark = pytest.mark.usefixtures("under_load")


@pytest.fixture(scope="module")
def pictures(sample_pictures: Path) -> dict[str, str]:
    """For each service under load, a picture as Base64."""
    return {
        "image_classification": encoded(sample_pictures / "chelsea.png", 224),
        "ocr": encoded(sample_pictures / "page.png", 192),
    }


def encoded(path: Path, side: int) -> str:
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def stubs(system: System, model: str = "") -> list[psutil.Process]:
    """The processes of `model`, or all of them."""
    live = live_stubs(psutil.Process(system.processes()[0].pid))
    return [stub.process for stub in live if model in ("", stub.model)]


@contextmanager
def load(url: str, service: str, image: str, clients: int = 3) -> Iterator[Counter[int]]:
    """Ask for `image` without pause; yields the number of answers by status.

    A machine that is slow today refuses some, which has nothing to do with deaths.
    """
    statuses: Counter[int] = Counter()
    over = threading.Event()
    answers = set()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=60) as http:
            while not over.is_set():
                response = http.post(f"/api/predict/{service}", json={"image": image})
                if response.status_code == 429:
                    time.sleep(float(response.headers["Retry-After"]))
                    continue
                statuses[response.status_code] += 1
                fields = response.json()
                del fields["request_id"]
                answers.add(repr(fields))

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert len(answers) == 1, answers


def configured(model: str) -> int:
    """How many processes `model` is to have."""
    config = next(config for config in read_configs(REPOSITORY) if config.name == model)
    return sum(group.count for group in config.instance_group)


def current(system: System, model: str) -> list[psutil.Process]:
    """The processes of `model` that were started last, as many as it should have.

    Others may be left of the time before it was healed (`embedded.leftovers`).
    """
    return sorted(stubs(system, model), key=psutil.Process.create_time)[-configured(model) :]


def kill(system: System, model: str, number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Kill one process of `model`; return what waits until all of them are others."""
    before = current(system, model)
    before[0].send_signal(number)
    pids = {process.pid for process in before}

    def wait() -> None:
        until(lambda: pids.isdisjoint(process.pid for process in current(system, model)))
        until(lambda: web.get(system.triton_url(f"/v2/models/{model}/ready")).is_success)

    return wait


async def test_every_process_answers_a_ping_as_such(system: System) -> None:
    """Were a ping refused by Triton itself, it would say nothing of the process."""
    triton = GrpcTriton(system.settings.triton_grpc_url, system.settings.triton_key.get_secret_value())
    every = await GrpcRepository(triton).processes()
    assert {processes.model: processes.count for processes in every} == {
        config.name: configured(config.name) for config in read_configs(REPOSITORY) if config.instance_group
    }
    for processes in every:
        with pytest.raises(Exception, match=re.escape(ALIVE)):
            await triton.service.ModelInfer(processes.ping, timeout=30)
    await triton.close()


@pytest.mark.parametrize(
    ("service", "model"),
    [
        ("image_classification", "image_classification_preprocess"),
        ("image_classification", "image_classification_net"),
        ("image_classification", "image_classification_postprocess"),
        ("ocr", "ocr_detection_net"),
        ("ocr", "ocr_postprocess"),
        ("ocr", "ocr_angle_net"),
        ("ocr", "ocr_recognition_net"),
    ],
)
def test_under_load_no_caller_sees_a_death(
    system: System, pictures: dict[str, str], service: str, model: str
) -> None:
    with load(system.gateway_url(), service, pictures[service]) as statuses:
        until(lambda: statuses.total() > 0)
        kill(system, model)()
        answered = statuses.total()
        until(lambda: statuses.total() >= answered + 3)
    assert set(statuses) == {200}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_death_that_no_request_met_is_found(system: System, number: signal.Signals) -> None:
    kill(system, "scene_classification_net", number)()


def test_who_dies_while_he_is_loaded_is_loaded_again(system: System) -> None:
    before = current(system, "scene_classification_net")
    before[0].kill()
    until(lambda: before[-1] not in current(system, "scene_classification_net"))
    kill(system, "scene_classification_net")()


def test_all_processes_of_a_model_may_die_at_once(system: System, pictures: dict[str, str]) -> None:
    dead = current(system, "image_classification_preprocess")
    for process in dead:
        process.kill()
    response = web.post(
        f"{system.gateway_url()}/api/predict/image_classification",
        json={"image": pictures["image_classification"]},
        timeout=60,
    )
    assert response.status_code == 200, response.text
    assert not set(dead) & set(current(system, "image_classification_preprocess"))


def test_health_and_metrics_tell_of_it(system: System) -> None:
    assert web.get(system.gateway_url("/health/ready"), timeout=60).status_code == 200
    settings = system.settings
    text = web.get(f"http://{settings.metrics_host}:{settings.metrics_port}/metrics").text
    assert 'modelhub_healed_total{model="scene_classification_net",outcome="healed"}' in text
    assert f'code="{InternalFault.code}"' not in text
