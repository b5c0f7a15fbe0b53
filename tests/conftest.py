"""Fixtures that need the real thing: Triton and the gateway, started once for all tests that ask for them."""

import os
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

from embedded.system import System
from export.environment import ensure_environment
from export.paths import Paths, user_cache
from export.progress import console_progress
from gateway.settings import Settings
from tests.full_profile import SeededFull
from tests.other_environment import SEEDED_ROOT

StartGateway = Callable[..., str]

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TIERS = ("unit", "repository", "live", "contract", "documents", "browser")


def pytest_configure(config: pytest.Config) -> None:
    for tier in TIERS:
        config.addinivalue_line("markers", f"{tier}: tests under tests/{tier}")
    # Right answers are tested here, and no test is of the machine's speed; `pytest-timeout` ends what hangs.
    hypothesis.settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(item.path.relative_to(ROOT / "tests").parts[0])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def free_settings(**changes: object) -> Settings:
    """Settings on ports that nobody uses."""
    names = ("port", "metrics_port", "triton_http_port", "triton_grpc_port", "triton_metrics_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    return Settings(**{**ports, **changes})  # type: ignore[arg-type]


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
            httpx.get(f"{url}/health/live", trust_env=False).raise_for_status()
        except httpx.TransportError:
            assert process.poll() is None, "the gateway has ended"
            assert time.monotonic() < ends_at, "the gateway does not come up"
            time.sleep(0.05)
        else:
            return url
