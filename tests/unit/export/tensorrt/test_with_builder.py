"""The tests that need TensorRT for RTX, which skip where it is not: run once more where it is."""

import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from export.environment import ensure_environment
from export.paths import PROJECT
from export.progress import console_progress

NEEDING_BUILDER = [
    path.relative_to(PROJECT).as_posix()
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if 'importorskip("tensorrt_rtx")' in path.read_text() and path != Path(__file__)
]


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has it; its environment (640 MB) is built if it is not there."""
    lock = PROJECT / "requirements" / "tensorrt-rtx.txt"
    progress = console_progress(Console(stderr=True))
    return ensure_environment(PROJECT / ".venv-tensorrt-rtx", lock, progress)


@pytest.mark.timeout(1800)  # it may build the environment
def test_all_of_them_pass(python: Path) -> None:
    """Pytest and its like are this environment's own, TensorRT for RTX is the other's."""
    ours = Path(pytest.__file__).parents[1]
    command = (str(python), "-m", "pytest", "-q", *NEEDING_BUILDER)
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}:{ours}"}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    report = done.stdout.decode(errors="replace")
    assert done.returncode == 0, report
    assert "skipped" not in report
    assert NEEDING_BUILDER


def test_the_command_runs_on_the_environments_own_packages(python: Path) -> None:
    """Which are those of requirements/tensorrt.txt, as in NVIDIA's container."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-m", "export.tensorrt", "table", "ocr_angle_net", "image_classification"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ocr_angle_net" in done.stdout
    assert "1x48x192x3 to 16x48x192x3" in done.stdout
    assert "image_classification_net: quantised to uint8" in done.stdout
