"""Commands that tests run."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded.paths import ROOT

CONTAINER_PYTHON = "3.10"
"""Of tritonserver:24.10-py3; later ones carry 3.12."""


def run(
    command: Sequence[str | Path],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Return how `command` ended, whatever its status, with what it printed."""
    return subprocess.run(
        command, cwd=cwd, env=env, timeout=timeout, capture_output=True, text=True, check=False
    )


def assert_runs_on_the_containers_python(paths: Sequence[str | Path]) -> None:
    vermin = Path(sys.executable).with_name("vermin")
    checked = run([vermin, f"--target={CONTAINER_PYTHON}-", "--no-tips", "--violations", *paths], cwd=ROOT)
    assert checked.returncode == 0, checked.stdout
