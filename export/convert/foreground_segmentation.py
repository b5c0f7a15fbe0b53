"""Our own net of people, as trained (trained/foreground_segmentation_net.md), for serving."""

from collections.abc import Mapping
from pathlib import Path

from export.conversion import Conversion
from export.surgery import from_trained
from vision.foreground_segmentation import ForegroundSettings

FILE = "foreground_segmentation_net.onnx"

SIZE = 320
_THRESHOLD = 0.5


def foreground_segmentation(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 320, 320, 3] to `alpha` float32 [batch, 256, 256].

    `alpha` is the probability that a pixel belongs to a person.
    """
    return Conversion(from_trained(sources[FILE]), ForegroundSettings(size=SIZE, threshold=_THRESHOLD))
