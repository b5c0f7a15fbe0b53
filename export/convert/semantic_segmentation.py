"""Our own net of semantic segmentation, as trained (trained/semantic_segmentation_net.md), for serving."""

from collections.abc import Mapping
from pathlib import Path

from export.conversion import Conversion
from export.surgery import from_trained
from modelhub_pictures.voc import VOC_CLASSES
from vision.semantic_segmentation import SemanticSegmentationSettings

FILE = "semantic_segmentation_net.onnx"

SIZE = 320


def semantic_segmentation(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 320, 320, 3] to `class_probs` float32 [batch, 40, 40, 21]."""
    return Conversion(from_trained(sources[FILE]), SemanticSegmentationSettings(size=SIZE), VOC_CLASSES)
