"""The README's first commands, from a bare clone to an annotated picture of one's own.

What is shared with the checkout is downloads alone: those of the exporter and of uv, below the user's caches.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.samples import SAMPLES
from embedded.paths import ROOT
from gateway.settings import Settings
from tests.conftest import free_settings
from tests.documents.blocks import blocks
from tests.documents.running import PHOTO, PORTS

MAKING_S = 1200
"""Environments and nets, made beside other tests."""
NOT_A_NEWCOMERS = ("MODELHUB_", "PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS")

pytestmark = [
    pytest.mark.timeout(MAKING_S),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="is no clone, so nothing can be cloned"),
]


def commands() -> list[str]:
    """Return the lines of the README's first block."""
    return blocks("README.md", (ROOT / "README.md").read_text())[0].text.splitlines()


def test_there_are_three() -> None:
    words = [line.split()[0] for line in commands()]
    assert words == ["git", "make", ".venv/bin/modelhub"]


@pytest.fixture
def settings() -> Settings:
    return free_settings()


@pytest.fixture
def newcomer(settings: Settings, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A newcomer's environment; what they leave running is stopped at the end."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(NOT_A_NEWCOMERS)}
    found |= {f"MODELHUB_{name.upper()}": str(getattr(settings, name)) for name in PORTS}
    found |= {
        "MODELHUB_URL": f"http://127.0.0.1:{settings.port}",
        "PYTHON": str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"),
        "REPOSITORY": str(origin(tmp_path / "origin")),
    }
    yield found
    clone = tmp_path / "modelhub"
    if (clone / "Makefile").exists():
        sh("make down", clone, found)


def origin(folder: Path) -> Path:
    """Return a repository with the checkout's last commit and, on top, what is not committed yet."""
    git("clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder))
    for name in git_lines("ls-files", "--deleted"):
        (folder / name).unlink()
    for name in git_lines("ls-files", "--modified", "--others", "--exclude-standard"):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    git("-C", str(folder), "add", "--all")
    author = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    git("-C", str(folder), *author, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", "now")
    return folder


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def git_lines(*words: str) -> list[str]:
    return [name for name in git("-C", str(ROOT), *words, "-z").split("\0") if name]


def sh(text: str, folder: Path, variables: Mapping[str, str]) -> None:
    result = subprocess.run(
        ["bash", "-e", "-c", text],
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MAKING_S,
        check=False,
    )
    assert result.returncode == 0, f"{text}\n{result.stdout[-6000:]}"


def test_three_commands_lead_to_a_picture_of_ones_own(newcomer: dict[str, str], tmp_path: Path) -> None:
    clone, make, predict = commands()
    sh(clone, tmp_path, newcomer)
    folder = tmp_path / "modelhub"
    assert not (folder / ".venv").exists()
    photo = Image.open(SAMPLES / "coffee.png").convert("RGB")
    photo.save(folder / PHOTO, quality=95)
    sh(make, folder, newcomer)
    sh(predict, folder, newcomer)
    (annotated,) = (folder / "out").rglob("*.*")
    with Image.open(annotated) as drawn:
        assert drawn.size == photo.size
        difference = np.abs(
            np.asarray(drawn.convert("RGB"), dtype=np.int16) - np.asarray(photo, dtype=np.int16)
        )
    changed = (difference.max(axis=2) > 100).mean()
    assert 0.001 < changed < 0.5, "frames and names are drawn, and the picture is still seen"
