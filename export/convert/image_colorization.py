"""Our own net of colouring, as trained (trained/image_colorization_net.md), to what is served."""

from collections.abc import Mapping
from pathlib import Path

from export.conversion import Conversion
from export.surgery import from_trained
from vision.image_colorization import ColorizationSettings

FILE = "image_colorization_net.onnx"

SIZE = 192


def image_colorization(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 192, 192, 3] with R = G = B to `chroma` float32 [batch, 192, 192, 2]."""
    return Conversion(from_trained(sources[FILE]), ColorizationSettings(size=SIZE))
