"""One export at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout
from rich.progress import Progress

from export.paths import Paths


@contextmanager
def exclusive(paths: Paths, progress: Progress) -> Iterator[None]:
    """Hold the exporter's lock; says so if another export holds it, and waits.

    The kernel frees it when its holder ends, however it ends.
    """
    lock = FileLock(paths.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        progress.console.print("Waiting for another export ...")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
