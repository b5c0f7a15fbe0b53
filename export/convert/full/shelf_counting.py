"""The user's own YOLOv5 and ResNet of shelf counting, and random ones in their place.

Nobody publishes these nets: `python -m export own shelf_counting` makes them from the user's checkpoints
(`docs/own-shelf.md`). What is here converts files in the same layouts, with that command's defaults.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torchvision.models import resnet50

from export.conversion import Conversion
from export.convert import own_shelf
from export.convert.own_shelf import CHECKPOINT, LABELS
from export.convert.shelf_counting import PRODUCTS
from export.own.defaults import CROP_SIZE, MAX_OVERLAP, MIN_SCORE, SIZE
from export.torch_nets.random_weights import save, set_random_weights
from export.torch_nets.yolov5 import SIZES, YoloV5

DETECTION_FILE = "shelf_counting_detection.pt"
CLASSIFICATION_FILE = "shelf_counting_classification.pt"
LABELS_FILE = "shelf_counting_products.txt"

_PRODUCT = 1
"""Classes of the detector: the classifier tells products apart."""
_SCALE, _HEAD_SCALE, _DOUBT = 1.1, 100.0, 10.0
"""Random weights made to answer: scales of normalisations, the head's weights, less objectness.

Sixty layers of SiLU fade random activations out, and with larger scales they burst. With these a photo has up
to a hundred of 25,200 candidates above the threshold.
"""


def detection(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 640, 640, 3] to `candidates` float32 [batch, 25200, 6]."""
    files = {CHECKPOINT: sources[DETECTION_FILE]}
    return own_shelf.detection(files, size=SIZE, min_score=MIN_SCORE, max_overlap=MAX_OVERLAP)


def classification(sources: Mapping[str, Path]) -> Conversion:
    """`crops` uint8 RGB [batch, 224, 224, 3] to `class_probs` float32 [batch, products]."""
    files = {CHECKPOINT: sources[CLASSIFICATION_FILE], LABELS: sources[LABELS_FILE]}
    return own_shelf.classification(files, size=CROP_SIZE)


def random_detection(path: Path) -> None:
    """Write a YOLOv5s of one class with random weights: a state dict in halves, under YOLOv5's own key."""
    net = YoloV5(*SIZES["s"], classes=_PRODUCT)
    set_random_weights(net)
    head = net.model[-1]
    with torch.no_grad():
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.weight *= _SCALE
        for layer in head.m:
            layer.weight *= _HEAD_SCALE
            layer.bias.view(-1, head.outputs)[:, 4] -= _DOUBT
    save({"epoch": -1, "model": net.half().state_dict()}, path)


def random_classification(path: Path) -> None:
    """Write a ResNet-50 of 171 products with random weights, in torchvision's layout."""
    net = resnet50(num_classes=PRODUCTS)
    set_random_weights(net)
    save(net.state_dict(), path)


def random_products(path: Path) -> None:
    """Write 171 names, a line each."""
    path.write_text("".join(f"product {number}\n" for number in range(1, PRODUCTS + 1)), encoding="utf-8")
