"""torchvision's Faster R-CNN with ResNet-50 and a feature pyramid, on COCO.

Source: `FasterRCNN_ResNet50_FPN_Weights.COCO_V1`. Pixels are not bytes, as in `lite`, whose steps serve this
net too: what was resampled is not rounded, which torchvision does not do either, and a negative pixel says
where the picture ends, as a byte could not.

The side: torchvision brings the shorter side to 800 pixels, and the longer one to 1333 at most, by which a
photo of 4 to 3 becomes 800 x 1067, and one of 3 to 2 800 x 1200. In a square of 1024 they are 768 x 1024 and
683 x 1024, 4% and 15% shorter. Squares of 1088 and 1216, in which they would be as large, cost 13% and 41%
more, the most of it for padding.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from onnx import TensorProto
from torch import Tensor

from export.conversion import Conversion
from export.convert.coco import COCO_CLASSES
from export.convert.object_tiles import TILES
from export.own.checkpoint import read_checkpoint
from export.surgery import finished, set_outputs
from export.torch_nets.loading import load
from export.torch_nets.onnx_graph import assert_rows_alike, folded, onnx_graph
from export.torch_nets.random_weights import save
from export.torch_nets.two_stage import (
    COLUMNS,
    ServedFasterRcnn,
    faster_rcnn,
    published_layout,
    seed_detector,
)
from vision.object_detection import PADDING, ObjectDetectionSettings

FILE = "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth"

SIZE = 1024
SETTINGS = ObjectDetectionSettings(
    size=SIZE,
    ample_side=SIZE,  # up to twice the size torchvision's resampling reads every pixel
    fit="padded",
    class_ids=tuple(COCO_CLASSES),
    min_score=0.3,  # as `lite`'s; torchvision leaves the choice to its users, and gives all above 0.05
    max_overlap=0.5,
    max_per_class=100,
    max_detections=100,
    tiles=TILES,
)


def object_detection(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` float32 RGB [batch, 1024, 1024, 3] to `boxes` and `class_scores`.

    Pixels are 0 to 255, or negative beside the picture. `boxes` float32 [batch, 1000, 91, 4], (top, left,
    bottom, right) in sides of the square; `class_scores` float32 [batch, 1000, 91]. A row that does not count
    is 0.
    """
    net = faster_rcnn()
    load(net, read_checkpoint(sources[FILE]).state)
    served = ServedFasterRcnn(net, SIZE)
    example = padded_noise(SIZE)
    graph = onnx_graph(served, example, "pixels", "boxes", "class_scores", check=assert_rows_alike)
    graph = folded(graph)
    set_outputs(
        graph,
        boxes=(TensorProto.FLOAT, ["batch", served.count, COLUMNS, 4]),
        class_scores=(TensorProto.FLOAT, ["batch", served.count, COLUMNS]),
    )
    return Conversion(finished(graph), SETTINGS, tuple(COCO_CLASSES.values()))


def random_fasterrcnn_resnet50_fpn_coco(path: Path) -> None:
    """Write a file of the published layout, a state dict, with random weights."""
    net = faster_rcnn()
    seed_detector(net)
    save(published_layout(net), path, legacy=True)


def padded_noise(size: int) -> Tensor:
    """Return a batch of two pictures of coloured spots, float32 [2, size, size, 3]; the second is padded."""
    random = torch.Generator().manual_seed(0)
    spots = torch.rand((2, 3, 16, 16), generator=random) * 255
    pixels = torch.nn.functional.interpolate(spots, size=(size, size), mode="bilinear").permute(0, 2, 3, 1)
    pixels = pixels.contiguous()
    pixels[1, size * 3 // 4 :] = PADDING
    return pixels
