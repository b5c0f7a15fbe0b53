"""Child processes that leave nothing behind: a group of their own, a log file, an orderly end."""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from embedded.paths import SHARED_MEMORY
from embedded.triton_log import failed_models

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Child:
    """A process and all that it starts, logging to the end of a file.

    `regions` begins the names of the shared-memory regions that it makes.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        regions: str = "",
    ) -> None:
        self.name = name
        self.log = log
        self._regions = regions
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._log_begins = output.tell()
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which then stops them in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - what it calls takes no lock
            )

    @property
    def pid(self) -> int:
        """Return the process id, which is also its group's."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def stop(self, grace_s: float) -> None:
        """Ask it to end, wait up to `grace_s` seconds or until Ctrl-C, then `clear`."""
        self.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.wait(grace_s)
        self.clear()

    def clear(self) -> None:
        """End it, if it still runs, and whatever it started; remove its shared memory.

        Stubs can outlive a killed server. They stay in its group.
        """
        descendants = self.descendants()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        _kill(descendants)
        if self._regions:
            remove_regions(SHARED_MEMORY, self._regions)

    def reason(self) -> str:
        """Return which models the log says were refused, and why; empty where none was."""
        return "; ".join(failed_models(self._log_text()))

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log."""
        return "\n".join(self._log_text().splitlines()[-count:])

    def descendants(self) -> list[psutil.Process]:
        """Return the running processes that it started, directly or not."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children(recursive=True)
        return []

    def _log_text(self) -> str:
        """Return what the log has of this process, of at most its last megabyte."""
        with self.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(min(self._log_begins, end), end - _LOG_BYTES))
            return log.read().decode(errors="replace")


_LOG_BYTES = 1024 * 1024


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
