"""The command `modelhub` against a real system: what a newcomer does, and what a script does."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import psutil
import pytest
from PIL import Image

from demo.samples import SHELF, chinese_sign, greyed, requests
from embedded import background
from embedded.paths import ROOT, SHARED_MEMORY
from embedded.settings import gateway_url, run_folder
from gateway.services import SERVICES
from gateway.settings import Settings
from tests import web
from tests.conftest import free_settings
from tests.live.conftest import Launch, environment

COMMAND = str(Path(sys.executable).with_name("modelhub"))


def modelhub(
    *words: str,
    url: str = "",
    stdin: bytes | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [COMMAND, *words],
        input=stdin,
        env={**os.environ, **({"MODELHUB_URL": url} if url else {}), **environment},
        capture_output=True,
        check=False,
    )


def lines(ran: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_asked_drawn_and_saved(service: str, gateway_url: str, tmp_path: Path) -> None:
    name, pictures = next(requests(service))
    words = []
    for index, content in enumerate(pictures):
        path = tmp_path / f"{name}{index}.png"
        path.write_bytes(content)
        words.append(str(path))
    ran = modelhub(
        "predict", service, *words, "--out", str(tmp_path / "out"), "--save", "both", url=gateway_url
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.decode().startswith(" ".join(words) + ": ")
    (drawn,) = (tmp_path / "out").glob(f"*.{service}.png")
    with Image.open(drawn) as annotated, Image.open(words[0]) as asked:
        assert annotated.height >= asked.height
    answer = json.loads((tmp_path / "out" / f"{drawn.name}.json").read_bytes())
    assert answer["success"] is True
    documented = SERVICES[service].answer.model_fields.items()
    assert {field.alias or name for name, field in documented} >= set(answer)


def test_what_is_told_is_the_same_whatever_form_masks_came_in(
    gateway_url: str, sample_pictures: Path
) -> None:
    picture = str(sample_pictures / "astronaut.png")
    for service in ("semantic_segmentation", "foreground_segmentation"):
        told = [
            modelhub("predict", service, picture, *words, url=gateway_url).stdout
            for words in ((), ("--mask-format", "png"), ("--mask-format", "rle"))
        ]
        assert told[0]
        assert len(set(told)) == 1, told


def test_triton_itself_is_asked_too(triton_grpc_url: str, gateway_url: str, sample_pictures: Path) -> None:
    picture = str(sample_pictures / "chelsea.png")
    words = ("predict", "object_detection", picture, "--json")
    (straight,), (through,) = (
        lines(modelhub(*words, url=url)) for url in (f"grpc://{triton_grpc_url}", gateway_url)
    )
    fields = ("detection_boxes", "detection_class_names")
    assert isinstance(straight["answer"], dict)
    assert isinstance(through["answer"], dict)
    for field in fields:
        assert straight["answer"][field] == through["answer"][field]


@pytest.mark.usefixtures("under_load")
def test_a_folder_larger_than_the_gateways_places_is_answered_whole(
    gateway_url: str, sample_pictures: Path, tmp_path: Path
) -> None:
    """`ocr` has four places or a few more: of 256 requests in flight the gateway would refuse nearly all."""
    for index in range(40):
        (tmp_path / f"{index}.png").write_bytes(chinese_sign())
    (tmp_path / "bad.png").write_bytes(b"no picture")
    shutil.copy(SHELF, tmp_path / "shelf.jpg")
    ran = modelhub("predict", "ocr", str(tmp_path), "--jobs", "256", "--json", url=gateway_url)
    assert ran.returncode == 1
    found = {str(line["picture"]): line for line in lines(ran)}
    failed = [name for name, line in found.items() if "error" in line]
    assert len(found) == 42
    assert failed == [str(tmp_path / "bad.png")]
    assert b"41 answered in" in ran.stderr
    assert b"1 x 40004" in ran.stderr


def test_the_standard_input_goes_all_the_way(gateway_url: str, sample_pictures: Path) -> None:
    ran = modelhub(
        "predict", "image_colorization", "-", url=gateway_url, stdin=greyed(sample_pictures / "coffee.png")
    )
    assert ran.stdout.startswith(b"stdin: ")


def test_services_are_listed_as_ready(gateway_url: str) -> None:
    ran = modelhub("services", "--json", url=gateway_url)
    assert ran.returncode == 0, ran.stdout
    listed = json.loads(ran.stdout)
    assert {row["service"] for row in listed} == set(SERVICES)
    assert all(row["ready"] and row["answers"] for row in listed)


# In the background


@pytest.fixture
def settings(launcher: None) -> Iterator[Settings]:
    """Ports of a system of its own, which is stopped whatever becomes of the test."""
    chosen = free_settings()
    yield chosen
    serving = background.found(run_folder(chosen))
    if serving is not None:
        background.stop(serving, 280)


def test_a_detached_system_is_back_when_ready_examined_and_stopped(
    settings: Settings, sample_pictures: Path
) -> None:
    variables = environment(settings)
    url = gateway_url(settings)
    # The nets are there: what `make export` looks at first is no part of this.
    embedded = [sys.executable, "-m", "embedded"]
    run = {"cwd": ROOT, "env": variables, "capture_output": True}
    up = subprocess.run([*embedded, "up", "--detach"], check=False, **run)  # type: ignore[call-overload]
    assert up.returncode == 0, up.stderr
    assert web.get(f"{url}/health/ready", timeout=60).status_code == 200
    assert b"stop with `make down`" in up.stderr
    serving = background.found(run_folder(settings))
    assert serving is not None
    launcher = psutil.Process(serving.pid)
    assert launcher.ppid() != os.getpid()
    every = [launcher, *launcher.children(recursive=True)]

    again = subprocess.run([*embedded, "up", "--detach"], check=False, **run)  # type: ignore[call-overload]
    assert again.returncode == 0
    assert url in again.stderr.decode()
    assert background.found(run_folder(settings)) == serving

    picture = str(sample_pictures / "chelsea.png")
    assert modelhub("predict", "image_classification", picture, url=url).returncode == 0
    found = {
        one["what"]: one for one in json.loads(modelhub("doctor", "--json", environment=variables).stdout)
    }
    assert found["services"]["told"] == "all 10 are ready"
    assert found[f"port {settings.port}"]["told"] == "MODELHUB_PORT: used by what serves"

    down = subprocess.run(["make", "down"], check=False, **run)  # type: ignore[call-overload]
    assert down.returncode == 0, down.stderr
    assert b"stopped" in down.stderr
    psutil.wait_procs(every)
    assert not list(SHARED_MEMORY.glob(f"modelhub-{serving.pid}-*"))
    down = subprocess.run(["make", "down"], check=False, **run)  # type: ignore[call-overload]
    assert (down.returncode, b"nothing that was started from here" in down.stderr) == (0, True)


def test_a_detached_start_that_fails_says_why(settings: Settings, launch: Launch) -> None:
    with socket.create_server(("127.0.0.1", settings.port)):
        up = launch(settings, "up", "--detach")
        output, _ = up.communicate()
    assert up.returncode == 1
    assert f"cannot listen on 127.0.0.1:{settings.port}" in output
    assert background.found(run_folder(settings)) is None
