"""A user's own YOLOv5 and ResNet to the two nets of `shelf_counting`. Runs in the training environment."""

from collections.abc import Mapping
from pathlib import Path

from export.conversion import Conversion
from export.convert.shelf_settings import TILES
from export.own.labels import read_labels
from export.own.plans import read_classifier, read_detector
from export.surgery import finished, opened
from export.torch_nets.loading import load, noise
from export.torch_nets.onnx_graph import onnx_graph
from export.torch_nets.resnet import RESNETS, ServedClassifier
from export.torch_nets.yolov5 import ServedYoloV5, YoloV5
from vision.shelf_counting import ShelfClassificationSettings
from vision.shelf_detection import ShelfDetectionSettings

CHECKPOINT, LABELS = "checkpoint", "labels"
"""Names of the files that these converters take."""

_PADDING = 114
_MAX_DETECTIONS = 1000
"""Both are YOLOv5's own, of `letterbox` and of `detect.py`."""
_MAX_CROPS = 32


def detection(sources: Mapping[str, Path], *, size: int, min_score: float, max_overlap: float) -> Conversion:
    """`pixels` uint8 RGB [batch, size, size, 3] to `candidates` float32 [batch, n, 5 + classes].

    The settings are those of YOLOv5's `detect.py` but for what the user chose.
    """
    plan, state, names = read_detector(sources[CHECKPOINT])
    anchors = [[(1.0, 1.0)] * plan.anchors] * 3  # the checkpoint has its own
    net = YoloV5(plan.width, plan.depth, plan.classes, anchors)
    load(net, state)
    graph = onnx_graph(ServedYoloV5(net), noise(size), "pixels", "candidates")
    settings = ShelfDetectionSettings(
        size=size,
        padding=_PADDING,
        min_score=min_score,
        max_overlap=max_overlap,
        max_detections=_MAX_DETECTIONS,
        tiles=TILES,
    )
    return Conversion(opened(finished(graph)), settings, names)


def classification(sources: Mapping[str, Path], *, size: int) -> Conversion:
    """`crops` uint8 RGB [batch, size, size, 3] to `class_probs` float32 [batch, classes]."""
    plan, state = read_classifier(sources[CHECKPOINT])
    net = RESNETS[plan.name](num_classes=plan.classes)
    load(net, state)
    graph = onnx_graph(ServedClassifier(net), noise(size), "crops", "class_probs")
    settings = ShelfClassificationSettings(size=size, max_crops=_MAX_CROPS)
    return Conversion(opened(finished(graph)), settings, read_labels(sources[LABELS], plan.classes))
