"""The launcher as an operator meets it: however it ends, no process and no shared memory is left behind."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from embedded.paths import ROOT, RUN, SHARED_MEMORY
from embedded.settings import gateway_url
from embedded.stubs import live_stubs
from gateway.settings import Settings
from tests import commands, web
from tests.conftest import free_settings
from tests.live.conftest import MODELS, SERVICE, Launch, StartSystem
from tests.unit.gateway.conftest import until

SERVING = "stop with Ctrl-C"

Serving = Callable[[Settings], AbstractContextManager[tuple["subprocess.Popen[str]", list[psutil.Process]]]]


def regions(launcher: int) -> list[str]:
    return [path.name for path in SHARED_MEMORY.glob(f"modelhub-{launcher}-*")]


@pytest.fixture
def serving(launch: Launch) -> Serving:
    """`up`, serving, with all its descendants; checks afterwards that nothing is left."""

    @contextmanager
    def up(settings: Settings) -> Iterator[tuple["subprocess.Popen[str]", list[psutil.Process]]]:
        launcher = launch(settings, "up")
        assert launcher.stdout is not None
        assert any(SERVING in line for line in launcher.stdout)
        root = psutil.Process(launcher.pid)
        descendants = root.children(recursive=True)
        assert {stub.model for stub in live_stubs(root)} == MODELS - {SERVICE}
        assert regions(launcher.pid)
        yield launcher, descendants
        launcher.wait()
        psutil.wait_procs(descendants)
        assert not regions(launcher.pid)

    return up


def picture(samples: Path) -> dict[str, str]:
    return {"image": base64.b64encode((samples / "chelsea.png").read_bytes()).decode()}


def named(processes: list[psutil.Process], pattern: str) -> psutil.Process:
    return next(process for process in processes if re.search(pattern, " ".join(process.cmdline())))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_named_is_served_until_a_signal_stops_everything(
    number: signal.Signals, serving: Serving, sample_pictures: Path
) -> None:
    settings = free_settings()
    body = picture(sample_pictures)
    with serving(settings) as (launcher, _):
        ready = web.get(gateway_url(settings, "/health/ready"), timeout=60)
        assert ready.status_code == 200
        wanted, other = (
            web.post(gateway_url(settings, f"/api/predict/{service}"), json=body, timeout=60)
            for service in (SERVICE, "scene_classification")
        )
        assert wanted.status_code == 200
        assert (other.status_code, other.json()["error_code"]) == (503, 50301)
        launcher.send_signal(number)
        assert launcher.wait() == 130


def wait_until_ready(settings: Settings) -> None:
    def is_ready() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return web.get(gateway_url(settings, "/health/ready"), timeout=60).is_success
        return False

    until(is_ready)


def journal(settings: Settings) -> list[dict[str, object]]:
    """The supervisor's log."""
    lines = (RUN / str(settings.port) / "supervisor.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_what_is_killed_is_started_again_and_nothing_stays_of_the_dead(serving: Serving) -> None:
    settings = free_settings()
    with serving(settings) as (launcher, descendants):
        of_the_dead = regions(launcher.pid)
        stubs = [process for process in descendants if "stub" in process.name()]
        launcher.send_signal(signal.SIGSTOP)
        named(descendants, "bin/tritonserver").kill()
        refused = web.get(gateway_url(settings, "/health/ready"), timeout=60)
        assert refused.status_code == 503  # it stayed up
        launcher.send_signal(signal.SIGCONT)
        wait_until_ready(settings)
        assert not any(stub.is_running() for stub in stubs)
        assert not {*of_the_dead} & {*regions(launcher.pid)}
        named(psutil.Process(launcher.pid).children(recursive=True), "-m gateway").kill()
        wait_until_ready(settings)
        descendants.extend(psutil.Process(launcher.pid).children(recursive=True))
        launcher.terminate()
        assert launcher.stdout is not None
        assert "Triton ended with status -9; restart 1 in 0.5 s" in launcher.stdout.read()
        assert launcher.wait() == 130
        events = [(line["part"], line["event"], line.get("status")) for line in journal(settings)]
        assert events == [
            ("Triton", "ended", -9),
            ("Triton", "ready", None),
            ("gateway", "ended", -9),
            ("gateway", "ready", None),
            ("gateway", "stopped", None),
            ("Triton", "stopped", None),
        ]


def test_a_triton_that_hangs_is_replaced(start_system: StartSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lives and keeps its port, and its stubs too; only that nothing is answered tells."""
    monkeypatch.setattr("embedded.health.PATIENCE_S", 3.0)
    monkeypatch.setattr("embedded.system.TRITON_GRACE_S", 3.0)
    system = start_system()
    hanging = system.processes()[0]
    os.kill(hanging.pid, signal.SIGSTOP)
    said: list[str] = []
    system.supervise(said.append, until=lambda: len(said) > 2)
    assert re.fullmatch(
        r"Triton is replaced: .*\nTriton ended with status -9; .*\nTriton is ready again, .*",
        "\n".join(said),
    )
    assert not psutil.pid_exists(hanging.pid)
    wait_until_ready(system.settings)


def in_flight(settings: Settings) -> int:
    """How many requests hold a place, by the gateway's metrics."""
    text = web.get(f"http://{settings.metrics_host}:{settings.metrics_port}/metrics", timeout=60).text
    found = re.search(rf'^modelhub_in_flight{{service="{SERVICE}"}} (\S+)$', text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def refuses_connections(settings: Settings) -> bool:
    try:
        web.get(gateway_url(settings, "/health/live"), timeout=60)
    except httpx.ConnectError:
        return True
    return False


def test_what_is_in_flight_at_the_end_is_answered_and_nothing_new_is_taken(
    serving: Serving, sample_pictures: Path
) -> None:
    """Triton is halted meanwhile, so that nothing can be answered before it may be."""
    settings = free_settings(deadline_s=120)
    body = picture(sample_pictures)
    with serving(settings) as (launcher, descendants), ThreadPoolExecutor() as pool:

        def ask() -> int:
            url = gateway_url(settings, f"/api/predict/{SERVICE}")
            return web.post(url, json=body, timeout=130).status_code

        triton = named(descendants, "bin/tritonserver")
        triton.suspend()
        asked = [pool.submit(ask) for _ in range(3)]
        until(lambda: in_flight(settings) == len(asked))
        launcher.terminate()
        until(lambda: refuses_connections(settings))
        assert not any(one.done() for one in asked)
        triton.resume()
        assert [one.result() for one in asked] == [200] * 3
        assert launcher.stdout is not None
        assert (
            "stopping: requests in flight have 125 s to finish, then Triton has 15 s"
            in launcher.stdout.read()
        )
        assert launcher.wait() == 130
        stopped = [line["part"] for line in journal(settings) if line["event"] == "stopped"]
        assert stopped == ["gateway", "Triton"]


def test_a_killed_launcher_takes_everything_with_it(serving: Serving) -> None:
    with serving(free_settings()) as (launcher, _):
        launcher.kill()


def test_a_command_runs_while_serving_and_gives_its_status(launch: Launch) -> None:
    get = "httpx.get(os.environ['MODELHUB_URL'] + '/health/live')"
    code = f"import os, sys, httpx; sys.exit(40 + {get}.is_success)"
    launcher = launch(free_settings(), "run", "--", sys.executable, "-c", code)
    launcher.communicate()
    assert launcher.returncode == 41
    assert not regions(launcher.pid)


def test_a_taken_port_is_one_line_and_a_status(launch: Launch) -> None:
    settings = free_settings()
    with socket.create_server(("127.0.0.1", settings.triton_grpc_port)):
        launcher = launch(settings, "up")
        output, _ = launcher.communicate()
    assert launcher.returncode == 1
    expected = f"cannot listen on 127.0.0.1:{settings.triton_grpc_port} (Address already in use)"
    assert output.strip() == f"{expected}: set MODELHUB_TRITON_GRPC_PORT to a free port"


def test_a_service_that_there_is_not_is_one_line_and_a_status(launch: Launch) -> None:
    launcher = launch(free_settings(), "up", services=f"{SERVICE}, ocrr")
    output, _ = launcher.communicate()
    assert launcher.returncode == 1
    assert output.startswith(
        "MODELHUB_SERVICES: no service is named ocrr; there are foreground_segmentation, "
    )
    assert len(output.splitlines()) == 1


def test_a_wrong_setting_is_one_line_and_a_status() -> None:
    launcher = commands.run(
        [sys.executable, "-m", "embedded", "up"],
        cwd=ROOT,
        env={**os.environ, "MODELHUB_PORT": "http"},
    )
    assert launcher.returncode == 1
    assert launcher.stderr.strip().startswith("MODELHUB_PORT: ")
    assert len(launcher.stderr.strip().splitlines()) == 1
