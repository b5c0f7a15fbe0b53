"""A process of a conversion environment, which converts job after job."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from export.errors import ConversionFailed
from export.job import Job, dump_job
from export.paths import PROJECT, Framework

_LAST_LINES = 6


class Worker:
    """Runs `python -m export.convert`, which imports `framework` while other things are done.

    It has a process group of its own: Ctrl-C reaches the exporter alone, which then stops it.
    """

    def __init__(self, python: Path, framework: Framework, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._log = logs / f"{framework.name.lower()}.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                (str(python), "-m", "export.convert", framework.value),
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                process_group=0,
            )

    def run(self, job: Job, folder: Path) -> None:
        """Fill `folder`; raises ConversionFailed with the last lines of the log and its path.

        The job stays beside the log, so that a conversion can be repeated by hand:
        `.venv-export/bin/python -m export.convert run/export/NET.json FOLDER`.
        """
        description, log = self._logs / f"{job.net}.json", self._logs / f"{job.net}.log"
        description.write_bytes(dump_job(job))
        log.unlink(missing_ok=True)
        status = self._ask(f"{description}\t{log}\t{folder}\n")
        if status:
            log = log if log.exists() else self._log
            raise ConversionFailed(
                f"{job.net}: its conversion failed (exit status {status}); see {log}",
                tuple(log.read_text(errors="replace").splitlines()[-_LAST_LINES:]),
            )

    def stop(self) -> None:
        """End the process and what it started; a `run` in another thread fails."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Free what a stopped process leaves; nothing is in `run` any more."""
        with suppress(BrokenPipeError), self._process:
            pass

    def _ask(self, line: str) -> int:
        """Return the exit status of a conversion; that of the worker itself if it ended."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._process.wait()
        answer = self._process.stdout.readline()
        return int(answer) if answer else self._process.wait()
