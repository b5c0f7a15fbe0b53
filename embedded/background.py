"""`up` in the background: started, awaited, found again, stopped."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from embedded.errors import ProcessDied
from embedded.paths import ROOT

STATE_FILE = "launcher.json"
LOG_FILE = "launcher.log"
"""What a launcher in the background would have said on the console."""
TICK_S = 0.2
_SAME_S = 0.01
"""Within which two readings of a process's start agree: it is a number of ticks, as a float."""


class Serving(msgspec.Struct, frozen=True):
    """A launcher that serves."""

    pid: int
    born: float
    """When its process began, in seconds of Unix time: ids are used again."""
    url: str
    """The gateway's."""

    def process(self) -> psutil.Process | None:
        """Return its process, or None if that is over."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.born) < _SAME_S and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


@contextmanager
def announced(run: Path, url: str) -> Iterator[None]:
    """Say in the folder `run` that this process serves at `url`, for as long as the block lasts."""
    state = run / STATE_FILE
    part = run / f".{STATE_FILE}.{os.getpid()}"
    part.write_bytes(msgspec.json.encode(Serving(os.getpid(), psutil.Process().create_time(), url)))
    part.replace(state)
    try:
        yield
    finally:
        state.unlink(missing_ok=True)


def found(run: Path) -> Serving | None:
    """Return the launcher that serves from `run`, in the background or not; None if there is none."""
    try:
        serving = msgspec.json.decode((run / STATE_FILE).read_bytes(), type=Serving)
    except (OSError, msgspec.MsgspecError):
        return None
    return serving if serving.process() else None


def start(arguments: Sequence[str], run: Path, report: Callable[[str], None]) -> Serving:
    """Start `python -m embedded ARGUMENTS` in a session of its own; return when it serves.

    Raises ProcessDied with what it said if it ends before. Whatever keeps this from waiting ends it, too.
    """
    run.mkdir(parents=True, exist_ok=True)
    log = run / LOG_FILE
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C and the end of the terminal are not meant for it
        )
    try:
        began = time.monotonic()
        while not ((serving := found(run)) and serving.pid == process.pid):
            if process.poll() is not None:
                raise ProcessDied(log.read_text(errors="replace").strip() or f"status {process.returncode}")
            report(f"starting ({time.monotonic() - began:.0f} s)")
            time.sleep(TICK_S)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return serving


def stop(serving: Serving, patience_s: float) -> None:
    """Tell a launcher to end and wait until it has; raises ProcessDied if it has not after `patience_s`."""
    process = serving.process()
    if process is None:
        return
    try:
        process.terminate()
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise ProcessDied(f"process {serving.pid} belongs to somebody else, who has to stop it") from None
    ends_at = time.monotonic() + patience_s
    while serving.process() is not None:  # a zombie is over, even if nobody ever buries it
        if time.monotonic() >= ends_at:
            raise ProcessDied(
                f"process {serving.pid} has not ended after {patience_s:.0f} s: kill -9 {serving.pid}"
            )
        time.sleep(TICK_S)
