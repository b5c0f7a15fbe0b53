"""The conversion environment: built by uv from a lock with hashes, and built anew when the lock changes."""

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
from export.paths import Paths
from export.progress import step

_STAMP = "lock.sha256"
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


def ensure_environment(paths: Paths, progress: Progress) -> Path:
    """Return the interpreter of the conversion environment; builds it if there is none for this lock.

    Raises NoNetwork, CutDownload, WrongHash, NotInIndex or EnvironmentFailed.
    """
    python = paths.environment / "bin" / "python"
    stamp = paths.environment / _STAMP
    lock = file_sha256(paths.requirements)
    if python.exists() and stamp.is_file() and stamp.read_text() == lock:
        return python
    with step(progress, f"Building {paths.environment.name} from {paths.requirements.name}"):
        _uv("venv", "--clear", "--no-project", f"--python={sys.executable}", str(paths.environment))
        _uv("pip", "sync", "--require-hashes", f"--python={python}", str(paths.requirements))
    stamp.write_text(lock)
    return python


def _uv(*arguments: str) -> None:
    settings = {"UV_HTTP_RETRIES": "1", "UV_HTTP_TIMEOUT": "30"} | os.environ
    command = (uv.find_uv_bin(), "--no-progress", "--color=never", *arguments)
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise diagnose("conversion environment", done.stderr, _SYMPTOMS, EnvironmentFailed)
