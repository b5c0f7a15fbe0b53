"""The served detector's backbone, MobileNetV2 trained on COCO, as features to train on.

It is read from the exported `object_detection_net` (`make export`). COCO has all of Pascal VOC's classes, so
these features, and the detector's own class scores beside them, know them.
"""

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.utils import Extractor
from onnx2torch import convert
from torch import Tensor, nn

from evaluation.teacher_masks import VOC_OF_COCO
from export.convert.coco import COCO_CLASSES
from export.paths import PROJECT
from vision.manifest import NET_VERSION, ONNX_FILE

NET = "object_detection_net"
VOC_COLUMNS = tuple(
    sorted(
        (one for one, name in COCO_CLASSES.items() if name in VOC_OF_COCO),
        key=lambda one: VOC_OF_COCO[COCO_CLASSES[one]],
    )
)
"""COCO's category ids of Pascal VOC's classes 1 to 20: columns of the detector's class scores."""
COLUMNS = 91
_LAYERS = "FeatureExtractor/MobilenetV2/"
_FIRST = f"{_LAYERS}Conv/BatchNorm/batchnorm/mul_1__9:0"
_FEATURES = (
    f"{_LAYERS}expanded_conv_5/add:0",
    f"{_LAYERS}expanded_conv_13/expand/Relu6:0",
    f"{_LAYERS}Conv_1/Relu6:0",
)
_SCORES = ("BoxPredictor_0/ClassPredictor/BiasAdd", "BoxPredictor_1/ClassPredictor/BiasAdd")


class DetectorBackbone(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1, sides multiples of 32, to maps at strides 8, 16 and 32; untrained."""

    channels = (32, 576 + 3 * 20, 1280 + 6 * 20)
    """Of the maps; the latter two with scores of 3 and 6 anchors a cell."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = convert(_cut()).eval().requires_grad_(False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps, of `channels` channels."""
        fine, middle, deep, middle_scores, deep_scores = self.graph(pictures)
        return fine, torch.cat([middle, middle_scores], dim=1), torch.cat([deep, deep_scores], dim=1)


def _cut() -> onnx.ModelProto:
    """Return the detector from normalised picture to features, padded for sides of multiples of 32."""
    model = onnx.load(PROJECT / "model_repository" / NET / NET_VERSION / ONNX_FILE)
    scores = [node.input[0] for name in _SCORES for node in model.graph.node if _follows(node, name)]
    extractor = Extractor(onnx.shape_inference.infer_shapes(model))
    cut = extractor.extract_model([_FIRST], [*_FEATURES, *scores])
    for node in cut.graph.node:
        for attribute in node.attribute:
            if attribute.name == "pads" and _is_halving(node):
                attribute.ints[:] = [0, 0, 1, 1]  # TensorFlow's, where 300's own differ at odd sizes
    for node in cut.graph.node:
        if node.output[0] in scores:
            _keep_voc(cut, node)
    return cut


def _keep_voc(cut: onnx.ModelProto, predictor: onnx.NodeProto) -> None:
    """Drop the classes that VOC does not have from a convolution that scores all classes of every anchor."""
    for constant in cut.graph.initializer:
        if constant.name in predictor.input[1:]:
            weights = numpy_helper.to_array(constant)
            of_anchors = weights.reshape(-1, COLUMNS, *weights.shape[1:])[:, VOC_COLUMNS]
            rows = np.ascontiguousarray(of_anchors.reshape(-1, *weights.shape[1:]))
            constant.CopyFrom(numpy_helper.from_array(rows, constant.name))


def _follows(node: onnx.NodeProto, name: str) -> bool:
    """Tell whether this node brings the scores `name` into TensorFlow's order."""
    return bool(node.op_type == "Transpose" and node.name.startswith(name))


def _is_halving(node: onnx.NodeProto) -> bool:
    return any(one.name == "strides" and list(one.ints) == [2, 2] for one in node.attribute)
