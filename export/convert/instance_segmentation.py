"""Our own net of masks, as trained (trained/instance_segmentation_mask_net.md), for serving."""

from collections.abc import Mapping
from pathlib import Path

from export.conversion import Conversion
from export.surgery import from_trained
from vision.instance_segmentation import InstanceMaskSettings

FILE = "instance_segmentation_mask_net.onnx"

SETTINGS = InstanceMaskSettings(size=112, margin=0.1, threshold=0.45, max_regions=16)


def masks(sources: Mapping[str, Path]) -> Conversion:
    """`regions` uint8 RGB [batch, 112, 112, 3] to `mask_probs` float32 [batch, 56, 56]."""
    return Conversion(from_trained(sources[FILE]), SETTINGS)
