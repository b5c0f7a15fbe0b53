"""Arrays that may be larger than memory."""

from pathlib import Path
from typing import Any

import numpy as np


def new_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Return an array of zeros in a new `.npy` file: it may be larger than memory, and stays."""
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        path, mode="w+", dtype=dtype, shape=shape
    )
    return array
