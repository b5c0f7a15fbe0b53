"""DeOldify's artistic generator to the net of `image_colorization`. Runs in the training environment.

Of its two generators for pictures the artistic one is DeOldify's default and gives the livelier colours; it
has 64 million weights and a file of 255 MB, the stable one 874 MB.

The side is a "render factor" of 24 times 16. DeOldify offers factors of 7 to 45, 35 by default for pictures
and 21 for films, and trained at 192 pixels: the lower, the livelier the colours, and the better on old or bad
pictures. Only the chroma has this size, for the luma stays the picture's own. Time grows with the square of
the side, and where all pixels are compared with all with its fourth power: 384 takes half of what 560 takes.
It is a multiple of 32, so that no layer's output has to be cut to fit.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from export.conversion import Conversion
from export.own.checkpoint import read_checkpoint
from export.surgery import finished
from export.torch_nets.deoldify import DeOldify, SelfAttention, ServedDeOldify, SpectralConv, folded
from export.torch_nets.loading import load, noise
from export.torch_nets.onnx_graph import onnx_graph
from export.torch_nets.random_weights import save, set_random_weights
from vision.image_colorization import ColorizationSettings

FILE = "ColorizeArtistic_gen.pth"

SIZE = 384

_SEEDED_SIDE = 128
_ITERATIONS = 3


def image_colorization(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 384, 384, 3] with R = G = B to `chroma` float32 [batch, 384, 384, 2]."""
    net = DeOldify()
    load(net, read_checkpoint(sources[FILE]).state)
    graph = onnx_graph(ServedDeOldify(folded(net)), noise(SIZE), "pixels", "chroma")
    return Conversion(finished(graph), ColorizationSettings(size=SIZE))


def random_deoldify(path: Path) -> None:
    """Write random weights in the layout of `ColorizeArtistic_gen.pth`: fastai's, a state dict as `model`.

    The published file's size is that of the layout before PyTorch 1.6.
    """
    net = DeOldify()
    set_random_weights(net)
    with torch.no_grad():
        for part in net.modules():
            if isinstance(part, SpectralConv):
                _estimate(part)
            elif isinstance(part, SelfAttention):
                part.gamma.fill_(0.5)
        _settle(net)
    rates = {"state": {}, "param_groups": [{"lr": slice(1e-5, 1e-3)}]}
    save({"model": net.state_dict(), "opt": rates}, path, legacy=True)


def _estimate(part: SpectralConv) -> None:
    """Bring both singular vectors near those of the largest value, as training does (power iteration)."""
    matrix = part.weight_orig.flatten(1)
    for _ in range(_ITERATIONS):
        part.weight_v.copy_(nn.functional.normalize(part.weight_u @ matrix, dim=0))
        part.weight_u.copy_(nn.functional.normalize(matrix @ part.weight_v, dim=0))


def _settle(net: nn.Module) -> None:
    """Give the normalisations the statistics of noise, without which so deep a net passes on next to nothing.

    A channel's variance is at least the mean of its layer's, since of few pixels it may be next to nothing.
    """
    norms = [part for part in net.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    random = torch.Generator().manual_seed(0)
    net.train()(torch.randn(2, 3, _SEEDED_SIDE, _SEEDED_SIDE, generator=random))
    for norm in norms:
        norm.running_var.clamp_(min=norm.running_var.mean())
