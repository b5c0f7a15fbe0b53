"""Kubernetes' probe against a real Triton, alone: a gateway beside it would heal what is killed here."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from embedded.paths import REPOSITORY, ROOT
from embedded.repository import Scope
from embedded.system import System
from tests import commands, web
from tests.conftest import free_settings
from tests.repository.kubernetes.test_scaling import OF_TRITON

SERVICES = ("foreground_segmentation", "image_colorization")
KILLED = "foreground_segmentation_preprocess"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The ensembles of two services: enough to see that each is asked, and soon loaded."""
    for service in SERVICES:
        (tmp_path / service).symlink_to(REPOSITORY / service)
    return tmp_path


@pytest.fixture
def triton(launcher: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(free_settings(), Scope(services=SERVICES), tmp_path_factory.mktemp("triton")) as running:
        running.start_triton(report=lambda line: None)
        yield running


def probed(triton: System, repository: Path) -> "subprocess.CompletedProcess[str]":
    port = ["--port", str(triton.settings.triton_http_port), "--repository", str(repository)]
    return commands.run(
        [sys.executable, "-m", "backends.probe", *port],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def stubs(triton: System, model: str) -> list[psutil.Process]:
    children = [process for part in triton.processes() for process in part.descendants()]
    return [process for process in children if re.search(rf"/{model}/", " ".join(process.cmdline()))]


def test_a_triton_that_is_well_then_with_a_dead_process_then_down(triton: System, repository: Path) -> None:
    for _ in range(3):
        well = probed(triton, repository)
        assert (well.returncode, well.stderr) == (0, "")

    one, *others = stubs(triton, KILLED)
    assert len(others) == 1  # so that some requests succeed: the harder case
    one.kill()
    assert web.get(triton.triton_url("/v2/health/ready")).is_success  # why there is a probe at all
    while not (failed := probed(triton, repository)).returncode:  # both requests went to the other process
        pass
    assert failed.stderr.startswith("foreground_segmentation: 500")

    triton.stop()
    down = probed(triton, repository)
    assert down.returncode == 1
    assert "refused" in down.stderr


def test_metrics_that_the_autoscaler_looks_at_are_tritons(system: System) -> None:
    port = system.settings.triton_metrics_port
    text = web.get(f"http://{system.settings.triton_host}:{port}/metrics").text
    for name in OF_TRITON:
        assert re.search(rf'^{name}{{.*model="image_classification_net".*}} ', text, re.MULTILINE), name
