"""What stages are built from and called with in tests."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vision.manifest import Manifest


def manifest(settings: msgspec.Struct, labels: tuple[str, ...] = (), net: str = "net") -> Manifest:
    """A manifest of which stages read everything that is given here."""
    return Manifest(net, "test", (), "", 17, "", labels, msgspec.to_builtins(settings))


def payload(file: bytes) -> NDArray[np.object_]:
    """The tensor of one picture."""
    return np.array([file], dtype=np.object_)
