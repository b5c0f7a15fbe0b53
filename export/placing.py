"""Putting a finished directory where another stands, in one step."""

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STAGING = ".staging"
_PREVIOUS = "previous"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV, errno.EPERM}


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Give an empty directory on the file system of `home`; removes it, and what a killed exporter left."""
    root = home / _STAGING
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    try:
        # A new name each time: a conversion whose exporter was killed may still be writing to the last one.
        yield Path(tempfile.mkdtemp(dir=root))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def place(finished: Path, target: Path) -> None:
    """Move the directory `finished`, made by `staging`, to `target`; what stood there goes with staging.

    A reader sees the old directory or the new one, never none, wherever the file system can exchange names.
    """
    finished.chmod(0o755)  # mkdtemp's is 0o700, and the server may be another user
    if not target.exists():
        finished.rename(target)
    elif not _exchange(finished, target):
        target.rename(finished.with_name(_PREVIOUS))
        finished.rename(target)


def restore(target: Path) -> None:
    """Bring back what `place` had moved aside when it was killed half-way."""
    previous = target.parent / _STAGING / _PREVIOUS
    if previous.is_dir() and not target.exists():
        previous.rename(target)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where this cannot be done."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))
