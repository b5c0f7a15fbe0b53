"""Where training keeps what it makes on the way; what is committed goes to `trained/`."""

from pathlib import Path

from export.paths import PROJECT

WORK = PROJECT / "run" / "training"
"""Caches and checkpoints; may be deleted at any time."""


def work_folder(name: str) -> Path:
    """Return the folder of one training, made if absent."""
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
