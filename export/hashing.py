"""SHA-256 of files."""

import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_intact(path: Path, sha256: str) -> bool:
    """Tell whether `path` is a file with that hash."""
    return path.is_file() and file_sha256(path) == sha256
