"""The tests that need PyTorch, which skip where it is not: run once more where it is."""

import os
import subprocess
from pathlib import Path

import pytest

from export.paths import PROJECT

NEEDING_TORCH = sorted(
    path.relative_to(PROJECT).as_posix()
    for path in (PROJECT / "tests").rglob("test_*.py")
    if 'importorskip("torch")' in path.read_text(encoding="utf-8") and path != Path(__file__)
)


@pytest.mark.timeout(1800)  # it may build the environment
def test_all_of_them_pass(training_python: Path) -> None:
    """Pytest and its like are this environment's own, PyTorch is the other's."""
    ours = Path(pytest.__file__).parents[1]
    command = (str(training_python), "-m", "pytest", "-q", *NEEDING_TORCH)
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}:{ours}"}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    report = done.stdout.decode(errors="replace")
    assert done.returncode == 0, report
    assert "skipped" not in report
    assert len(NEEDING_TORCH) >= 3
