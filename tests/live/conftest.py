"""Systems of one service, which start in seconds: for tests of how a system starts, lives and ends."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from embedded.paths import ROOT
from embedded.repository import Scope
from embedded.settings import settings_environment
from embedded.system import System
from gateway.settings import Settings
from tests.conftest import free_settings

SERVICE = "image_classification"
MODELS = {SERVICE, *(f"{SERVICE}_{step}" for step in ("preprocess", "net", "postprocess"))}

StartSystem = Callable[..., System]
Launch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_system(launcher: None, tmp_path: Path) -> Iterator[StartSystem]:
    """Starts a system of SERVICE alone, on free ports, with changes of the settings."""
    with ExitStack() as stack:

        def start(**changes: object) -> System:
            system = System(free_settings(**changes), Scope(services=[SERVICE]), tmp_path / "run")
            stack.enter_context(system).start(report=lambda line: None)
            return system

        yield start


@pytest.fixture
def launch(launcher: None) -> Iterator[Launch]:
    """Runs `python -m embedded COMMAND`, which serves SERVICE alone unless `services` says otherwise."""
    with ExitStack() as stack:

        def start(settings: Settings, *command: str, services: str = SERVICE) -> "subprocess.Popen[str]":
            process = subprocess.Popen(
                [sys.executable, "-m", "embedded", *command],
                cwd=ROOT,
                env=environment(settings) | {"MODELHUB_SERVICES": services},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def environment(settings: Settings) -> dict[str, str]:
    """The variables by which a process of ours has `settings`; its tables are wide enough to be read."""
    return {**os.environ, **settings_environment(settings), "PYTHONPATH": str(ROOT), "COLUMNS": "500"}
