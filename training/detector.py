"""The served detector's backbone, MobileNetV2 trained on COCO, as a pyramid of features to train on.

It is read from the exported `object_detection_net` (`make export`). COCO has all of Pascal VOC's classes, so
these features know them; those of ImageNet must learn what a person is.
"""

import onnx
from onnx.utils import Extractor
from onnx2torch import convert
from torch import Tensor, nn

from export.paths import PROJECT
from vision.manifest import NET_VERSION, ONNX_FILE

NET = "object_detection_net"
_FIRST = "FeatureExtractor/MobilenetV2/Conv/BatchNorm/batchnorm/mul_1__9:0"
_LAYERS = "FeatureExtractor/MobilenetV2/"
FEATURES = (
    f"{_LAYERS}expanded_conv_5/add:0",
    f"{_LAYERS}expanded_conv_13/expand/Relu6:0",
    f"{_LAYERS}Conv_1/Relu6:0",
)
CHANNELS = (32, 576, 1280)
"""Of the features at strides 8, 16 and 32."""
_FIRST_TRAINED = "expanded_conv_3/depthwise"
"""Features of the layers before it, at strides 2 and 4, are so general that training need not change them."""


class DetectorBackbone(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1, sides multiples of 32, to maps at strides 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = convert(_cut())
        for name, parameter in self.graph.named_parameters():  # in the order in which layers are run
            if _FIRST_TRAINED in name:
                break
            parameter.requires_grad_(False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Return the maps, of `CHANNELS` channels."""
        maps: tuple[Tensor, ...] = tuple(self.graph(pictures))
        return maps


def _cut() -> onnx.ModelProto:
    """Return the detector from normalised picture to features, padded for sides of multiples of 32."""
    model = onnx.load(PROJECT / "model_repository" / NET / NET_VERSION / ONNX_FILE)
    cut = Extractor(onnx.shape_inference.infer_shapes(model)).extract_model([_FIRST], list(FEATURES))
    for node in cut.graph.node:
        for attribute in node.attribute:
            if attribute.name == "pads" and _is_halving(node):
                attribute.ints[:] = [0, 0, 1, 1]  # TensorFlow's, where 300's own differ at odd sizes
    return cut


def _is_halving(node: onnx.NodeProto) -> bool:
    return any(one.name == "strides" and list(one.ints) == [2, 2] for one in node.attribute)
