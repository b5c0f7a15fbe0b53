"""Robust Video Matting to the net of `foreground_segmentation`. Runs in the training environment.

The picture is squashed to 512 x 512 and the net runs on the whole of it, at downsample ratio 1. Its authors
ask for 256 to 512 pixels there and for ratio 1 up to 512 x 512. The refiner belongs to smaller ratios: it
carries what was found in a reduced copy to the picture that it was reduced from. Here there is none, since
the service enlarges the map itself and asks of each pixel only whether it is foreground.
"""

from collections.abc import Mapping
from pathlib import Path

import torch

from export.conversion import Conversion
from export.own.checkpoint import read_checkpoint
from export.surgery import finished
from export.torch_nets.loading import load, noise
from export.torch_nets.onnx_graph import onnx_graph
from export.torch_nets.random_weights import save, set_random_weights
from export.torch_nets.robust_video_matting import RobustVideoMatting, ServedMatting
from vision.foreground_segmentation import ForegroundSettings

FILE = "rvm_mobilenetv3.pth"

SIZE = 512
_THRESHOLD = 0.5

_ALPHA_PLANE = 3


def foreground_segmentation(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 512, 512, 3] to `alpha` float32 [batch, 512, 512] of 0 to 1."""
    net = RobustVideoMatting()
    load(net, read_checkpoint(sources[FILE]).state)
    graph = onnx_graph(ServedMatting(net), noise(SIZE), "pixels", "alpha")
    return Conversion(finished(graph), ForegroundSettings(size=SIZE, threshold=_THRESHOLD))


def random_rvm_mobilenetv3(path: Path) -> None:
    """Write random weights in the layout of `rvm_mobilenetv3.pth`: a bare state dict."""
    net = RobustVideoMatting()
    set_random_weights(net)
    with torch.no_grad():  # around the middle of what is not clipped
        net.project_mat["conv"].bias[_ALPHA_PLANE] = 0.5
    save(net.state_dict(), path)
