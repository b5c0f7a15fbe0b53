"""torchvision's ResNet-50 on ImageNet.

Source: `ResNet50_Weights.IMAGENET1K_V2`: its shorter side made 232 pixels, antialiased bilinear, of which the
central 224 are seen. Here the square is cut and resampled in one step.
"""

from collections.abc import Mapping
from pathlib import Path

from torchvision.models import resnet50

from export.conversion import Conversion
from export.convert.classification import LABELS_FILE, short_labels
from export.own.checkpoint import read_checkpoint
from export.surgery import finished
from export.torch_nets.loading import load, noise
from export.torch_nets.onnx_graph import onnx_graph
from export.torch_nets.random_weights import save, set_random_weights
from export.torch_nets.resnet import ServedClassifier
from vision.classification import ClassificationSettings, Kernel

FILE = "resnet50-11ad3fa6.pth"

SIZE = 224
CENTRAL_FRACTION = SIZE / 232
KERNEL: Kernel = "bilinear"


def image_classification(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 224, 224, 3] to `probs` float32 [batch, 1000], which sum to 1.

    The names are those that the `lite` net's package carries: one class has one name in both profiles.
    """
    net = resnet50()
    load(net, read_checkpoint(sources[FILE]).state)
    graph = onnx_graph(ServedClassifier(net), noise(SIZE), "pixels", "probs")
    labels = short_labels(sources[LABELS_FILE].read_text(encoding="utf-8").splitlines())
    return Conversion(finished(graph), ClassificationSettings(SIZE, CENTRAL_FRACTION, KERNEL), labels)


def random_resnet50(path: Path) -> None:
    """Write a file of the published layout, a state dict, with random weights."""
    net = resnet50()
    set_random_weights(net)
    save(net.state_dict(), path)
