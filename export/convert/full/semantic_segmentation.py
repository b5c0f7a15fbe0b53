"""torchvision's DeepLab V3 over ResNet-50, trained on COCO's pictures with Pascal VOC's classes.

Source: `DeepLabV3_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1`, which makes the shorter side 520 pixels and
keeps the proportions. Here every picture is squashed to 520 x 520, so that one graph serves all.
"""

from collections.abc import Mapping
from pathlib import Path

from export.conversion import Conversion
from export.own.checkpoint import read_checkpoint
from export.surgery import finished
from export.torch_nets.deeplab import ServedSegmentation, deeplab
from export.torch_nets.loading import load, noise
from export.torch_nets.onnx_graph import onnx_graph
from export.torch_nets.random_weights import save, set_random_weights
from modelhub_pictures.voc import VOC_CLASSES
from vision.semantic_segmentation import SemanticSegmentationSettings

FILE = "deeplabv3_resnet50_coco-cd0a2569.pth"

SIZE = 520


def semantic_segmentation(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 520, 520, 3] to `class_probs` float32 [batch, 65, 65, 21].

    The checkpoint's second head, `aux_classifier`, is loaded and not served: only training used it.
    """
    net = deeplab(len(VOC_CLASSES))
    load(net, read_checkpoint(sources[FILE]).state)
    graph = onnx_graph(ServedSegmentation(net, SIZE), noise(SIZE), "pixels", "class_probs")
    return Conversion(finished(graph), SemanticSegmentationSettings(size=SIZE), VOC_CLASSES)


def random_deeplabv3_resnet50_coco(path: Path) -> None:
    """Write a file of the published layout, a state dict with both heads, with random weights.

    The published file's size is that of the layout before PyTorch 1.6.
    """
    net = deeplab(len(VOC_CLASSES))
    set_random_weights(net)
    save(net.state_dict(), path, legacy=True)
