"""CSAIL's ResNet-50 on Places365.

Source: CSAILVision/places365, `train_placesCNN.py`: its shorter side made 256 pixels, bilinear, of which the
central 224 are seen. It was trained on several GPUs, so that every name begins with `module.`, and before
PyTorch counted batches.
"""

from collections.abc import Mapping
from pathlib import Path

from torchvision.models import resnet50

from export.conversion import Conversion
from export.convert.full.places365 import PLACES365
from export.own.checkpoint import read_checkpoint, without_prefix
from export.surgery import finished
from export.torch_nets.loading import load, noise
from export.torch_nets.onnx_graph import onnx_graph
from export.torch_nets.random_weights import save, set_random_weights
from export.torch_nets.resnet import ServedClassifier
from vision.classification import ClassificationSettings

FILE = "resnet50_places365.pth.tar"

_SIZE = 224
_SETTINGS = ClassificationSettings(size=_SIZE, central_fraction=_SIZE / 256, kernel="bilinear")


def scene_classification(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 224, 224, 3] to `probs` float32 [batch, 365], which sum to 1."""
    net = resnet50(num_classes=len(PLACES365))
    load(net, without_prefix(read_checkpoint(sources[FILE]).state, "conv1.weight"))
    graph = onnx_graph(ServedClassifier(net), noise(_SIZE), "pixels", "probs")
    return Conversion(finished(graph), _SETTINGS, PLACES365)


def random_resnet50_places365(path: Path) -> None:
    """Write a file of the published layout, a training's state, with random weights."""
    net = resnet50(num_classes=len(PLACES365))
    set_random_weights(net)
    state = {
        f"module.{name}": value
        for name, value in net.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    save({"epoch": 90, "arch": "resnet50", "state_dict": state, "best_prec1": 0.0}, path, legacy=True)
