"""The launcher as an operator meets it: however it ends, no process and no shared memory is left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from embedded.paths import ROOT, SHARED_MEMORY
from embedded.system import settings_environment
from gateway.settings import Settings
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
        launcher.stdout.close()


def named(processes: list[psutil.Process], pattern: str) -> psutil.Process:
    return next(process for process in processes if re.search(pattern, " ".join(process.cmdline())))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(number: signal.Signals) -> None:
    settings = free_settings()
    with serving(settings) as (launcher, _):
        assert httpx.get(f"http://127.0.0.1:{settings.port}/health/ready").status_code == 200
        launcher.send_signal(number)
        assert launcher.wait(60) == 130


@pytest.mark.parametrize(
    ("victim", "message"),
    [("bin/tritonserver", "Triton ended with status -9"), ("-m gateway", "gateway ended with status -9")],
)
def test_a_crash_of_either_stops_the_other(victim: str, message: str) -> None:
    with serving(free_settings()) as (launcher, descendants):
        named(descendants, victim).kill()
        assert launcher.wait(60) == 1
        assert launcher.stdout is not None
        assert message in launcher.stdout.read()


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
    launcher = subprocess.run(
        [sys.executable, "-m", "embedded", "up"],
        cwd=ROOT,
        env={**os.environ, "MODELHUB_PORT": "http"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert launcher.returncode == 1
    assert launcher.stderr.strip().startswith("MODELHUB_PORT: ")
    assert len(launcher.stderr.strip().splitlines()) == 1
