"""Gateways of other settings in front of the Triton that all tests share."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.conftest import free_ports

StartGateway = Callable[..., str]


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
            return _once_live(f"http://127.0.0.1:{wanted['port']}")

        yield start


def _once_live(url: str) -> str:
    ends_at = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{url}/health/live", trust_env=False).raise_for_status()
        except httpx.ConnectError:
            assert time.monotonic() < ends_at, "the gateway does not come up"
            time.sleep(0.05)
        else:
            return url
