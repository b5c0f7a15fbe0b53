"""Our own nets of shelf counting, as trained (trained/shelf_counting_*.md), to what is served.

Sides and columns are declared open, so that nets of the user's own fit the same configs.
"""

from collections.abc import Mapping
from pathlib import Path

from export.conversion import Conversion
from export.convert.shelf_settings import CLASSIFICATION, DETECTION
from export.own.labels import read_labels
from export.surgery import from_trained, opened

DETECTION_FILE = "shelf_counting_detection_net.onnx"
CLASSIFICATION_FILE = "shelf_counting_classification_net.onnx"
LABELS_FILE = "shelf_counting_products.txt"

PRODUCTS = 171


def detection(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 640, 640, 3] to `candidates` float32 [batch, 25200, 6]."""
    return Conversion(opened(from_trained(sources[DETECTION_FILE])), DETECTION)


def classification(sources: Mapping[str, Path]) -> Conversion:
    """`crops` uint8 RGB [batch, 96, 96, 3] to `class_probs` float32 [batch, 171]."""
    model = opened(from_trained(sources[CLASSIFICATION_FILE]))
    return Conversion(model, CLASSIFICATION, read_labels(sources[LABELS_FILE], PRODUCTS))
