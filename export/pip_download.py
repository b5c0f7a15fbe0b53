"""One wheel from the user's package index, by pip: it knows the index, the proxy and the certificates.

What pip prints is told apart here and nowhere else; pip is pinned in `requirements/serve.txt`, and the tests
hold each case against a package index on loopback.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from export.diagnosis import Symptom, diagnose
from export.errors import CutDownload, FetchError, NoNetwork, NotInIndex, WrongHash
from export.progress import Update
from export.sources import Package

_COMMAND = (
    sys.executable,
    "-m",
    "pip",
    "download",
    "-vv",  # otherwise pip keeps to itself why it skipped an index
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",  # our own cache keeps the few files that are needed of a wheel
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=raw",
    "--timeout=15",
    "--retries=1",
    "--resume-retries=2",
)

_SYMPTOMS = (
    # A cut comes first: the attempts to resume it leave other traces too.
    Symptom(
        re.compile(
            r"error: incomplete-download|IncompleteRead|Read timed out|^ERROR: Wheel .* is invalid", re.M
        ),
        CutDownload,
        "the download was cut off; run the export again",
    ),
    Symptom(
        re.compile(r"DO NOT MATCH THE HASHES"),
        WrongHash,
        "the wheel is not what its index promises; nothing was kept; check the index or the proxy",
    ),
    Symptom(
        re.compile(
            r"error: (connection-failed|connection-timeout|proxy-connection-failed|ssl-)"
            r"|Could not fetch URL .*(connection error|respond within|certificate)"
            r"|Max retries exceeded|5\d\d Server Error|is not a trusted or secure host"
        ),
        NoNetwork,
        "no answer from the package index; check the network, or pip's index and proxy settings",
    ),
    Symptom(
        re.compile(r"40[137] (Client Error|Proxy)"),
        FetchError,
        "the package index or a proxy refuses access; check the credentials in pip's settings",
    ),
    Symptom(
        re.compile(r"No matching distribution found"),
        NotInIndex,
        "the package index has no such release; use an index that carries it",
    ),
)
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)$")


def download_wheel(package: Package, folder: Path, update: Update) -> Path:
    """Download the package's wheel into the empty `folder` and return its path; raises FetchError."""
    requirement = f"{package.name}=={package.version}"
    command = (*_COMMAND, *package.tags, f"--dest={folder}", requirement)
    output: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        try:
            output.extend(_without_progress(pip.stdout or (), update))
        except BaseException:
            pip.kill()
            raise
    if pip.returncode != 0:
        raise diagnose(str(package), "\n".join(output), _SYMPTOMS, FetchError)
    return next(folder.glob("*.whl"))


def _without_progress(lines: Iterable[str], update: Update) -> Iterable[str]:
    for line in lines:
        if progress := _PROGRESS.match(line):
            update(int(progress[1]), int(progress[2]))
        else:
            yield line.rstrip()
