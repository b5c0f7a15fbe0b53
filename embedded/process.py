"""Child processes that leave nothing behind: a group of their own, a log file, an orderly end."""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Child:
    """A process and all that it starts, logging to a file."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which then stops them in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the launcher has one thread
            )

    @property
    def pid(self) -> int:
        """Return the process id, which is also its group's."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.poll()

    def stop(self, grace_s: float) -> None:
        """Ask it to end, wait up to `grace_s` seconds, then end it and whatever it started."""
        descendants = self.descendants()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        _kill(descendants)

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def descendants(self) -> list[psutil.Process]:
        """Return the running processes that it started, directly or not."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children(recursive=True)
        return []


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(list(processes), timeout=5)


def _die_with_parent() -> None:
    """Have the kernel end this process when the launcher is gone, however it went."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def remove_regions(folder: Path, prefix: str) -> None:
    """Remove the shared-memory regions that a stopped server left."""
    for region in folder.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)


def remove_stale_regions(folder: Path, family: str) -> None:
    """Remove regions named `<family>-<pid>-...` whose launcher no longer runs."""
    for region in folder.glob(f"{family}-*"):
        pid = region.name.removeprefix(f"{family}-").partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            region.unlink(missing_ok=True)
