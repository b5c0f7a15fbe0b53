"""Whether two computations of a net that ranks agree: row by row, whatever the order.

Where two candidates rank almost alike, rounding decides which comes first, or is the last that is taken: the
same net on two runtimes then has the same rows in another order, and one or two others.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Outputs = Sequence[NDArray[np.float32]]
"""What one run computed of one picture: arrays [n, ...], where what all have at one place is one row."""


def nearest_rows(ours: Outputs, theirs: Outputs) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the nearest of `theirs` for each row of `ours`, and how far it is over that one's length."""
    rows, others = (
        np.concatenate([output.reshape(len(output), -1) for output in outputs], axis=1).astype(np.float64)
        for outputs in (ours, theirs)
    )
    squares = np.square(rows).sum(axis=1)[:, None] + np.square(others).sum(axis=1) - 2 * rows @ others.T
    nearest = squares.argmin(axis=1)
    partners = others[nearest]
    lengths = np.linalg.norm(partners, axis=1).clip(np.finfo(np.float32).tiny)
    return nearest, np.linalg.norm(rows - partners, axis=1) / lengths


def unpaired_share(ours: Outputs, theirs: Outputs, tolerance: float) -> float:
    """Return the share of rows with none within `tolerance` on the other side; of both sides the larger."""
    shares = (float((nearest_rows(*pair)[1] > tolerance).mean()) for pair in ((ours, theirs), (theirs, ours)))
    return max(shares)
