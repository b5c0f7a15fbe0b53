"""The launcher as an operator meets it: however it ends, no process and no shared memory is left behind."""

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from embedded.paths import ROOT, RUN, SHARED_MEMORY
from embedded.system import GATEWAY_MARGIN_S, TRITON_GRACE_S, System, settings_environment
from gateway.settings import Settings
from tests import commands
from tests.conftest import free_settings

SERVING = "stop with Ctrl-C"


def regions(launcher: int) -> list[str]:
    return [path.name for path in SHARED_MEMORY.glob(f"modelhub-{launcher}-*")]


def environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **settings_environment(settings), "PYTHONPATH": str(ROOT), "COLUMNS": "500"}


def launch(settings: Settings, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "embedded", *command],
        cwd=ROOT,
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """`up`, serving, with all its descendants; checks afterwards that nothing is left."""
    launcher = launch(settings, "up")
    assert launcher.stdout is not None
    try:
        for line in launcher.stdout:
            if SERVING in line:
                break
        descendants = psutil.Process(launcher.pid).children(recursive=True)
        assert len(descendants) > 10
        assert regions(launcher.pid)
        yield launcher, descendants
        launcher.wait(60)
        _, alive = psutil.wait_procs(descendants, timeout=5)
        assert not alive
        assert not regions(launcher.pid)
    finally:
        launcher.kill()
        launcher.wait()
        launcher.stdout.close()


def named(processes: list[psutil.Process], pattern: str) -> psutil.Process:
    return next(process for process in processes if re.search(pattern, " ".join(process.cmdline())))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(number: signal.Signals) -> None:
    settings = free_settings()
    with serving(settings) as (launcher, _):
        ready = httpx.get(f"http://127.0.0.1:{settings.port}/health/ready", timeout=60)
        assert ready.status_code == 200
        launcher.send_signal(number)
        assert launcher.wait(60) == 130


def seconds_until(url: str, at_most_s: float) -> float:
    """Return after how many seconds `url` answers 200; fails after `at_most_s`."""
    start = time.monotonic()
    with httpx.Client(trust_env=False, timeout=40) as client:
        while time.monotonic() - start < at_most_s:
            with contextlib.suppress(httpx.HTTPError):
                if client.get(url).status_code == 200:
                    return time.monotonic() - start
            time.sleep(0.05)
    pytest.fail(f"{url} does not answer 200 after {at_most_s} s")


def journal(settings: Settings) -> list[dict[str, object]]:
    """The supervisor's log."""
    lines = (RUN / str(settings.port) / "supervisor.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_what_is_killed_is_started_again_and_nothing_stays_of_the_dead() -> None:
    settings = free_settings()
    gateway = f"http://127.0.0.1:{settings.port}"
    with serving(settings) as (launcher, descendants):
        of_the_dead = regions(launcher.pid)
        stubs = [process for process in descendants if "stub" in process.name()]
        assert len(stubs) > 10
        named(descendants, "bin/tritonserver").kill()
        refused = httpx.get(f"{gateway}/health/ready", timeout=40)
        assert refused.status_code == 503  # it stayed up
        assert refused.elapsed.total_seconds() < 10
        assert seconds_until(f"{gateway}/health/ready", 120) < 60  # some 8 s, but where much else runs
        assert not psutil.wait_procs(stubs, timeout=0)[1]
        assert not {*of_the_dead} & {*regions(launcher.pid)}
        named(psutil.Process(launcher.pid).children(recursive=True), "-m gateway").kill()
        assert seconds_until(f"{gateway}/health/live", 120) < 60  # some 1.2 s, likewise
        seconds_until(f"{gateway}/health/ready", 120)
        told = [(line["part"], line["event"], line.get("status")) for line in journal(settings)]
        assert told == [
            ("Triton", "ended", -9),
            ("Triton", "ready", None),
            ("gateway", "ended", -9),
            ("gateway", "ready", None),
        ]
        descendants.extend(psutil.Process(launcher.pid).children(recursive=True))
        launcher.terminate()
        assert launcher.wait(60) == 130
        assert launcher.stdout is not None
        assert "Triton ended with status -9; restart 1 in 0.5 s" in launcher.stdout.read()


def test_a_triton_that_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lives and keeps its port, and its stubs too; only that nothing is answered tells."""
    monkeypatch.setattr("embedded.health.PATIENCE_S", 3.0)
    told: list[str] = []
    with System(free_settings(), run=tmp_path) as system:
        system.start(report=lambda line: None)
        hanging = system.processes()[0]
        os.kill(hanging.pid, signal.SIGSTOP)
        give_up_at = time.monotonic() + 150
        system.supervise(told.append, until=lambda: len(told) > 2 or time.monotonic() > give_up_at)
        assert re.fullmatch(
            r"Triton is replaced: .*\nTriton ended with status -9; .*\nTriton is ready again, .*",
            "\n".join(told),
        )
        assert not psutil.pid_exists(hanging.pid)
        seconds_until(system.gateway_url("/health/ready"), 60)


def test_what_is_in_flight_at_the_end_is_answered_and_nothing_new_is_taken(sample_pictures: Path) -> None:
    settings = free_settings(deadline_s=120)
    url = f"http://127.0.0.1:{settings.port}"
    page = base64.b64encode((sample_pictures / "page.png").read_bytes()).decode()
    with serving(settings) as (launcher, _), ThreadPoolExecutor() as pool:

        def ask() -> tuple[int, float]:
            answer = httpx.post(f"{url}/api/predict/ocr", json={"image": page}, timeout=130)
            return answer.status_code, time.monotonic()

        asked = [pool.submit(ask) for _ in range(3)]
        time.sleep(1)  # the first ones are being read by Triton
        assert not all(one.done() for one in asked)
        launcher.terminate()
        ended_at = time.monotonic()
        while True:  # until admission has ended; long before what is in flight has
            try:
                httpx.get(f"{url}/health/live", timeout=40)
            except httpx.ConnectError:
                break
            time.sleep(0.02)
        refused_at = time.monotonic()
        answers = [one.result() for one in asked]
        assert [status for status, _ in answers] == [200] * 3
        assert refused_at < max(at for _, at in answers)
        assert refused_at - ended_at < 5
        assert launcher.wait(60) == 130
        assert time.monotonic() - ended_at < settings.deadline_s + GATEWAY_MARGIN_S + TRITON_GRACE_S
        assert launcher.stdout is not None
        assert (
            "stopping: requests in flight have 125 s to finish, then Triton has 15 s"
            in launcher.stdout.read()
        )
        stopped = [line["part"] for line in journal(settings) if line["event"] == "stopped"]
        assert stopped == ["gateway", "Triton"]


def test_a_killed_launcher_takes_everything_with_it() -> None:
    settings = free_settings()
    with serving(settings) as (launcher, descendants):
        launcher.kill()
        launcher.wait()
        psutil.wait_procs(descendants, timeout=30)


def test_a_command_runs_while_serving_and_gives_its_status() -> None:
    settings = free_settings()
    get = "httpx.get(os.environ['MODELHUB_URL'] + '/health/live')"
    code = f"import os, sys, httpx; sys.exit(40 + {get}.is_success)"
    launcher = launch(settings, "run", "--", sys.executable, "-c", code)
    launcher.communicate(timeout=120)
    assert launcher.returncode == 41
    assert not regions(launcher.pid)


def test_a_taken_port_is_one_line_and_a_status() -> None:
    settings = free_settings()
    start = time.monotonic()
    squatter = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(settings.triton_grpc_port), "--bind", "127.0.0.1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        while psutil.Process(squatter.pid).net_connections() == []:
            time.sleep(0.05)
        launcher = launch(settings, "up")
        output, _ = launcher.communicate(timeout=60)
    finally:
        squatter.kill()
        squatter.wait()
    assert launcher.returncode == 1
    expected = f"cannot listen on 127.0.0.1:{settings.triton_grpc_port} (Address already in use)"
    assert output.strip() == f"{expected}: set MODELHUB_TRITON_GRPC_PORT to a free port"
    assert time.monotonic() - start < 30


def test_a_wrong_setting_is_one_line_and_a_status() -> None:
    launcher = commands.run(
        [sys.executable, "-m", "embedded", "up"],
        cwd=ROOT,
        env={**os.environ, "MODELHUB_PORT": "http"},
        timeout=60,
    )
    assert launcher.returncode == 1
    assert launcher.stderr.strip().startswith("MODELHUB_PORT: ")
    assert len(launcher.stderr.strip().splitlines()) == 1
