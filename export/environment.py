"""Environments of conversions: built by uv from a lock with hashes, and built anew when the lock changes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import uv
from rich.progress import Progress

from export.diagnosis import Symptom, diagnose
from export.errors import CutDownload, EnvironmentFailed, NoNetwork, NotInIndex, WrongHash
from export.hashing import file_sha256
from export.progress import step

STAMP = ".stamp"
"""The lock's hash, written last; the Makefile writes and reads it too."""

_SYMPTOMS = (
    Symptom(
        re.compile(r"error reading a body|decoding response body"),
        CutDownload,
        "a download was cut off; run the export again",
    ),
    Symptom(
        re.compile(r"Hash mismatch"),
        WrongHash,
        "a package is not the one that the lock names; check uv's index or the proxy",
    ),
    Symptom(
        re.compile(r"Failed to fetch|error sending request|dns error|timed out|network (was|is) disabled"),
        NoNetwork,
        "no answer from the package index; check the network, or uv's index and proxy settings",
    ),
    Symptom(
        re.compile(r"not found in the package registry|there is no version of"),
        NotInIndex,
        "the package index lacks a package of the lock; use an index that carries it",
    ),
)


def ensure_environment(folder: Path, requirements: Path, progress: Progress) -> Path:
    """Return the interpreter of the environment in `folder`; builds it if there is none for this lock.

    Raises NoNetwork, CutDownload, WrongHash, NotInIndex or EnvironmentFailed.
    """
    python = folder / "bin" / "python"
    stamp = folder / STAMP
    lock = file_sha256(requirements)
    if python.exists() and stamp.is_file() and stamp.read_text().strip() == lock:
        return python
    with step(progress, f"Building {folder.name} from {requirements.name}"):
        _uv(folder.name, "venv", "--clear", "--no-project", f"--python={sys.executable}", str(folder))
        _uv(folder.name, "pip", "sync", "--require-hashes", f"--python={python}", str(requirements))
    stamp.write_text(lock)
    return python


def _uv(subject: str, *arguments: str) -> None:
    settings = {"UV_HTTP_RETRIES": "1", "UV_HTTP_TIMEOUT": "30"} | os.environ
    command = (uv.find_uv_bin(), "--no-progress", "--color=never", *arguments)
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise diagnose(subject, done.stderr, _SYMPTOMS, EnvironmentFailed)
