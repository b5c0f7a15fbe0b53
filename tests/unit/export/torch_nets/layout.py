"""What a checkpoint's layout is, in one number."""

import hashlib
from collections.abc import Mapping
from typing import Any


def layout(state: Mapping[str, Any]) -> str:
    """SHA-256 of a state dict's names, shapes and types, a line each, in its order."""
    lines = (f"{name} {tuple(tensor.shape)} {tensor.dtype}" for name, tensor in state.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
