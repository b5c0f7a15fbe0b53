"""A U-Net (Ronneberger et al. 2015) on EfficientNet-Lite0 that tells a thing from what is around it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from training.backbone import CHANNELS, backbone
from training.blocks import block, depthwise

WIDTH = 64


class MaskNet(nn.Module):
    """RGB [B, 3, S, S] of -1 to 1 to logits [B, 1, S / 2, S / 2]: positive on the thing in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = backbone()
        self.narrow = nn.ModuleList(block(channels, WIDTH) for channels in CHANNELS)
        self.join = nn.ModuleList(_join() for _ in CHANNELS[1:])
        self.classify = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, regions: Tensor) -> Tensor:
        """Return the logits."""
        *finer, maps = (narrow(one) for narrow, one in zip(self.narrow, self.backbone(regions), strict=True))
        for level, join in zip(reversed(finer), self.join, strict=True):
            larger = interpolate(maps, size=level.shape[2:], mode="bilinear", align_corners=False)
            maps = join(larger + level)
        logits: Tensor = self.classify(maps)
        return logits


class Probabilities(nn.Module):
    """Logits [B, 1, h, w] of `net` as probabilities [B, h, w]."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, regions: Tensor) -> Tensor:
        """Run the net."""
        return torch.sigmoid(self.net(regions)[:, 0])


def _join() -> nn.Sequential:
    return nn.Sequential(depthwise(WIDTH), block(WIDTH, WIDTH))
