"""Fixtures that need the real thing: Triton and the gateway, started once for all tests that ask for them."""

import itertools
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import hypothesis
import pytest
from rich.console import Console
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from embedded.system import System
from export.environment import ensure_environment
from export.paths import Paths, user_cache
from export.progress import console_progress
from gateway.settings import Settings
from tests import web
from tests.full_profile import SeededFull
from tests.other_environment import SEEDED_ROOT

StartGateway = Callable[..., str]

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SLOW = {
    "training_python": "torch",
    "seeded_full": "full",
    "tensorrt_python": "tensorrt",
    "launcher": "launcher",
    "another_gateway": "gateway",
    "under_load": "load",
    "newcomer": "newcomer",
    "fuzz": "fuzz",
    "schemathesis": "fuzz",
    "browser": "browser",
}
"""Fixtures that make a test slow, and the marker that each brings; `make test` leaves such tests out."""
SHARING_A_SYSTEM = ("contract", "documents", "live", "browser")
"""Folders of tests whose fixture `system` is started once."""

hypothesis.settings.register_profile("repeatable", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("random", deadline=None, max_examples=500, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    for marker in ("slow", *dict.fromkeys(SLOW.values())):
        config.addinivalue_line("markers", f"{marker}: set in tests/conftest.py by a test's fixtures")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by its fixtures."""
    fixtures = getattr(item, "fixturenames", ())
    for marker in sorted({SLOW[name] for name in fixtures if name in SLOW}):
        item.add_marker(marker)
        item.add_marker("slow")


class OneSystem(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """One worker runs the tests of the folders that share a system; the other files go to whichever is free.

    xdist's own `loadgroup` does that by marks. Version 3.8 does not see them with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "system" if nodeid.split("/")[1] in SHARING_A_SYSTEM else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneSystem:
    return OneSystem(config, log)


def _ports() -> Iterator[int]:
    """Yield ports that nobody listens on, each once, in random order.

    They lie below those that the kernel gives to outgoing connections. Workers share none.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = list(range(10_000 + worker, 32_000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))
    random.SystemRandom().shuffle(ports)
    for port in ports:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        yield port


PORTS = _ports()


def free_ports(count: int) -> list[int]:
    return list(itertools.islice(PORTS, count))


def free_settings(**changes: object) -> Settings:
    """Settings on ports that nobody uses."""
    names = ("port", "metrics_port", "triton_http_port", "triton_grpc_port", "triton_metrics_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    return Settings(**{**ports, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def launcher() -> None:
    """Marks a test that starts a Triton of its own."""


@pytest.fixture(scope="session")
def under_load() -> None:
    """Marks a test that takes all that the system has: kills, large pictures, more than there is room for."""


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(free_settings(), run=tmp_path_factory.mktemp("system")) as running:
        running.start(report=lambda line: None)
        yield running


@pytest.fixture(scope="session")
def gateway_url(system: System) -> str:
    return system.gateway_url()


@pytest.fixture(scope="session")
def triton_grpc_url(system: System) -> str:
    return system.settings.triton_grpc_url


@pytest.fixture(scope="session")
def training_python() -> Path:
    """The interpreter that has PyTorch; its environment (5.5 GB) is built if it is not there."""
    paths = Paths(root=ROOT, cache=user_cache())
    progress = console_progress(Console(stderr=True))
    return ensure_environment(paths.training_environment, paths.training_requirements, progress)


@pytest.fixture(scope="session")
def seeded_full(training_python: Path) -> SeededFull:
    """The `full` profile's repository, whose nets are exported with random weights as they are asked for."""
    return SeededFull(SEEDED_ROOT)


@pytest.fixture(scope="session")
def sample_pictures() -> Path:
    return ROOT / "weights" / "samples"


@pytest.fixture(scope="session")
def photos() -> Path:
    """The 800 labelled photos, which users do not have."""
    folder = SHARED / "data" / "photos"
    if not folder.is_dir():
        pytest.skip("needs the labelled photos, which are not part of the project")
    return folder


@pytest.fixture
def another_gateway(triton_grpc_url: str) -> Iterator[StartGateway]:
    """Starts a gateway of other settings, by default before the same Triton; returns its address."""
    with ExitStack() as stack:

        def start(**settings: object) -> str:
            host, _, port = triton_grpc_url.rpartition(":")
            own_port, metrics_port = free_ports(2)
            ports = {"port": own_port, "metrics_port": metrics_port, "triton_grpc_port": port}
            wanted = {"triton_host": host, **ports, **settings}
            environment = os.environ | {
                f"MODELHUB_{name.upper()}": str(value) for name, value in wanted.items()
            }
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "gateway"], env=environment, stderr=subprocess.DEVNULL
                )
            )
            stack.callback(process.terminate)
            return _once_live(f"http://127.0.0.1:{wanted['port']}", process)

        yield start


def _once_live(url: str, process: "subprocess.Popen[bytes]") -> str:
    ends_at = time.monotonic() + 60
    while True:
        try:
            web.get(f"{url}/health/live").raise_for_status()
        except httpx.TransportError:
            assert process.poll() is None, "the gateway has ended"
            assert time.monotonic() < ends_at, "the gateway does not come up"
            time.sleep(0.05)
        else:
            return url
