"""Tests that skip where a package is not, run where it is."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from export.paths import PROJECT

SEEDED_ROOT = PROJECT / "run" / "seeded"
"""Where `tests.full_profile`, which other environments cannot import, keeps nets of random weights."""


def files_needing(package: str, folder: Path) -> list[str]:
    """The test files anywhere in `folder` that skip without `package`, relative to the project."""
    return sorted(
        path.relative_to(PROJECT).as_posix()
        for path in folder.rglob("test_*.py")
        if f'importorskip("{package}")' in path.read_text(encoding="utf-8")
    )


def assert_all_pass(python: Path, files: Sequence[str]) -> None:
    """Every test passes and none skips: pytest and its like are ours, the rest is `python`'s."""
    ours = Path(pytest.__file__).parents[1]
    command = (str(python), "-m", "pytest", "-q", *files)
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}:{ours}"}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    report = done.stdout.decode(errors="replace")
    assert done.returncode == 0, report
    assert "skipped" not in report
