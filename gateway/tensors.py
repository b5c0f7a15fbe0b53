"""What goes to Triton and comes back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]
"""Arrays by tensor name; strings are object arrays of `bytes`."""


def one_string(content: bytes, *, batched: bool) -> NDArray[np.object_]:
    """Return a BYTES tensor of one element, [1], or [1, 1] where the model has a batch axis."""
    tensor = np.empty((1, 1) if batched else (1,), dtype=np.object_)
    tensor.fill(content)
    return tensor
