"""torchvision's Mask R-CNN with ResNet-50 and a feature pyramid, on COCO.

Source: `MaskRCNN_ResNet50_FPN_Weights.COCO_V1`. It draws its masks itself, so `full` has no mask net. It is
fed as Faster R-CNN is (`export.convert.full.object_detection`).
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from onnx import TensorProto

from export.conversion import Conversion
from export.convert.coco import COCO_CLASSES
from export.convert.full.object_detection import SETTINGS, SIZE, padded_noise
from export.own.checkpoint import read_checkpoint
from export.surgery import finished, set_outputs
from export.torch_nets.loading import load
from export.torch_nets.onnx_graph import assert_rows_alike, folded, onnx_graph
from export.torch_nets.random_weights import save
from export.torch_nets.two_stage import COLUMNS, ServedMaskRcnn, mask_rcnn, published_layout, seed_detector

FILE = "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth"

_SETTINGS = msgspec.structs.replace(SETTINGS, mask_threshold=0.5)


def detection(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` float32 RGB [batch, 1024, 1024, 3] to `boxes`, `class_scores` and `mask_probs`.

    Pixels are 0 to 255, or negative beside the picture. `boxes` float32 [batch, 100, 1, 4], (top, left,
    bottom, right) in sides of the square; `class_scores` float32 [batch, 100, 91], of a row its own class's
    alone; `mask_probs` float32 [batch, 100, 28, 28], each of its box. A row that does not count is 0.
    """
    net = mask_rcnn()
    load(net, read_checkpoint(sources[FILE]).state)
    served = ServedMaskRcnn(net, SIZE)
    example = padded_noise(SIZE)
    names = ("boxes", "class_scores", "mask_probs")
    graph = folded(onnx_graph(served, example, "pixels", *names, check=assert_rows_alike))
    count, side = served.mask_pooling.count, served.mask_side
    set_outputs(
        graph,
        boxes=(TensorProto.FLOAT, ["batch", count, 1, 4]),
        class_scores=(TensorProto.FLOAT, ["batch", count, COLUMNS]),
        mask_probs=(TensorProto.FLOAT, ["batch", count, side, side]),
    )
    return Conversion(finished(graph), _SETTINGS, tuple(COCO_CLASSES.values()))


def random_maskrcnn_resnet50_fpn_coco(path: Path) -> None:
    """Write a file of the published layout, a state dict, with random weights."""
    net = mask_rcnn()
    seed_detector(net)
    save(published_layout(net), path, legacy=True)
