"""Types that stages share."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]
"""Arrays by tensor name."""

Picture = NDArray[np.uint8]
"""Upright RGB picture, uint8 [height, width, 3]."""

Infer = Callable[[str, Tensors], Awaitable[Tensors]]
"""Runs a net by name: batch on axis 0 in, batch on axis 0 out."""
