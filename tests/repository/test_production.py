"""What runs inside NVIDIA's container must run on what it carries."""

import subprocess
import sys
from pathlib import Path

from embedded.paths import ROOT

CONTAINER_PYTHON = "3.10"
"""Of tritonserver:24.10-py3; later ones carry 3.12."""


def test_what_triton_imports_runs_on_the_containers_python() -> None:
    command = [
        str(Path(sys.executable).with_name("vermin")),
        f"--target={CONTAINER_PYTHON}-",
        "--no-tips",
        "--violations",
    ]
    checked = subprocess.run(
        [*command, "vision", "client/modelhub_pictures", "backends", "model_repository"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
