"""Runs one conversion in the conversion environment, as a process of its own."""

import subprocess
from pathlib import Path

from export.errors import ConversionFailed
from export.job import Job, dump_job
from export.paths import PROJECT

_LAST_LINES = 6


def run_conversion(job: Job, python: Path, logs: Path) -> None:
    """Fill the job's destination; raises ConversionFailed with the last lines of the log and its path.

    The job stays beside the log, so that a conversion can be repeated by hand:
    `.venv-export/bin/python -m export.convert run/export/NET.json`.
    """
    logs.mkdir(parents=True, exist_ok=True)
    description, log = logs / f"{job.net}.json", logs / f"{job.net}.log"
    description.write_bytes(dump_job(job))
    command = (str(python), "-m", "export.convert", str(description))
    with log.open("wb") as output:
        done = subprocess.run(command, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        lines = log.read_text(errors="replace").splitlines()
        raise ConversionFailed(
            f"{job.net}: its conversion failed (exit status {done.returncode}); see {log}",
            tuple(lines[-_LAST_LINES:]),
        )
