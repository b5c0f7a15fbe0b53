"""Our own net of semantic segmentation, as trained (trained/semantic_segmentation_net.md), for serving."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from export.conversion import Conversion
from export.surgery import finished
from modelhub_pictures.voc import VOC_CLASSES
from vision.semantic_segmentation import SemanticSegmentationSettings

FILE = "semantic_segmentation_net.onnx"

SIZE = 320


def semantic_segmentation(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 320, 320, 3] to `class_probs` float32 [batch, 40, 40, 21].

    Weights stay float16, half the size; ONNX Runtime widens them once, when it loads the net.
    """
    model = finished(onnx.load(sources[FILE]))
    return Conversion(model, SemanticSegmentationSettings(size=SIZE), VOC_CLASSES)
