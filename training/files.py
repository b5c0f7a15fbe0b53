"""Where training keeps what it makes."""

from pathlib import Path
from typing import Any

import numpy as np

from export.paths import PROJECT, TRAINED

WORK = PROJECT / "run" / "training"
"""Caches and checkpoints; may be deleted at any time."""
RESULTS = TRAINED
"""What is committed."""


def work_folder(name: str) -> Path:
    """Return the folder of one training, made if absent."""
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Return an array of zeros in a new `.npy` file: it may be larger than memory, and stays."""
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        path, mode="w+", dtype=dtype, shape=shape
    )
    return array
