"""A light DeepLab V3: MobileNetV2, atrous pooling at stride 16, finer features for the edges.

Source: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation" (2017), for the pooling;
the join with finer features is that of its successor (DeepLab V3+, 2018), at stride 8 instead of 4: the
teacher's own grid is no finer. The last stage keeps its stride of 32 and is enlarged: dilated to 16, as in
the paper, it costs more than all other stages together.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models.segmentation.deeplabv3 import ASPP

from training.blocks import block, depthwise
from training.detector import CHANNELS, DetectorBackbone

WIDTH = 112
FINE_WIDTH = 32
RATES = (3, 6, 12)
"""For grids of 16 to 24 cells; the paper's 6, 12, 18 are for 33."""
DROPOUT = 0.1


class SemanticNet(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1, sides multiples of 32, to logits [B, classes, H / 8, W / 8]."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = DetectorBackbone()
        self.deep = block(CHANNELS[2], WIDTH)
        self.middle = block(CHANNELS[1], WIDTH)
        self.pooling = ASPP(2 * WIDTH, RATES, WIDTH)
        self.pooling.project[3] = nn.Dropout(DROPOUT)  # half of so few channels would be too many
        self.fine = block(CHANNELS[0], FINE_WIDTH)
        self.join = nn.Sequential(depthwise(WIDTH + FINE_WIDTH), block(WIDTH + FINE_WIDTH, WIDTH))
        self.classify = nn.Conv2d(WIDTH, classes, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits."""
        fine, middle, deep = self.backbone(pictures)
        pooled = self.pooling(torch.cat([_twice(self.deep(deep)), self.middle(middle)], dim=1))
        logits: Tensor = self.classify(self.join(torch.cat([_twice(pooled), self.fine(fine)], dim=1)))
        return logits


class Probabilities(nn.Module):
    """Logits [B, C, h, w] of `net` as probabilities [B, h, w, C]."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        """Run the net."""
        return torch.softmax(self.net(pictures).permute(0, 2, 3, 1), dim=3)


def _twice(maps: Tensor) -> Tensor:
    return interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
