"""Features for comparing pictures: what the classification net's last layer reads, scaled to unit length."""

from collections.abc import Mapping
from pathlib import Path

from torchvision.models import resnet50

from export.conversion import Conversion
from export.convert.full.image_classification import FILE, KERNEL, SIZE
from export.convert.similarity import SAME_PICTURE_DISTANCE
from export.own.checkpoint import read_checkpoint
from export.surgery import finished
from export.torch_nets.loading import load, noise
from export.torch_nets.onnx_graph import onnx_graph
from export.torch_nets.resnet import ServedFeatures
from vision.similarity import SimilaritySettings

NOT_FITTED = "not fitted to this net: the distance is the lite net's; see `python -m bench.similarity full`"


def image_similarity(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 224, 224, 3] to `features` float32 [batch, 2048] of unit length."""
    net = resnet50()
    load(net, read_checkpoint(sources[FILE]).state)
    graph = onnx_graph(ServedFeatures(net), noise(SIZE), "pixels", "features")
    settings = SimilaritySettings(
        size=SIZE,
        same_picture_distance=SAME_PICTURE_DISTANCE,
        fitted_on=NOT_FITTED,
        kernel=KERNEL,
    )
    return Conversion(finished(graph), settings)
