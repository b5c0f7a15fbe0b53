"""The tests that need TensorRT for RTX, which skip where it is not: run once more where it is."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from export.environment import ensure_environment
from export.paths import PROJECT
from export.progress import console_progress
from tests import commands
from tests.full_profile import SeededFull
from tests.other_environment import assert_all_pass, files_needing

NEEDING_BUILDER = files_needing("tensorrt_rtx", Path(__file__).parent)


@pytest.fixture(scope="module")
def tensorrt_python() -> Path:
    """The interpreter that has it; its environment (640 MB) is built if it is not there."""
    lock = PROJECT / "requirements" / "tensorrt-rtx.txt"
    progress = console_progress(Console(stderr=True))
    return ensure_environment(PROJECT / ".venv-tensorrt-rtx", lock, progress)


@pytest.mark.timeout(2400)  # it may build the environment, and the nets of random weights
def test_all_of_them_pass(tensorrt_python: Path, seeded_full: SeededFull) -> None:
    seeded_full.whole()
    assert_all_pass(tensorrt_python, NEEDING_BUILDER)
    assert NEEDING_BUILDER


def test_the_command_runs_on_the_environments_own_packages(tensorrt_python: Path) -> None:
    """Which are those of requirements/tensorrt.txt, as in NVIDIA's container."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = commands.run(
        [tensorrt_python, "-m", "export.tensorrt", "table", "ocr_angle_net", "image_classification"],
        cwd=PROJECT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert "ocr_angle_net" in done.stdout
    assert "1x48x192x3 to 16x48x192x3" in done.stdout
    assert "image_classification_net: quantised to uint8" in done.stdout
