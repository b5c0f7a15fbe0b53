"""A light DeepLab V3 on the detector's backbone: atrous pooling at stride 16, finer features for the edges.

Source: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation" (2017), for the pooling;
the join with finer features is that of its successor (DeepLab V3+, 2018), at stride 8 instead of 4: the
teacher's own grid is no finer. The stage of stride 32 is enlarged instead of dilated, which is far cheaper.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models.segmentation.deeplabv3 import ASPP

from training.blocks import block, depthwise
from training.detector import CHANNELS, DetectorBackbone

WIDTH = 128
FINE_WIDTH = 32
RATES = (3, 6, 12)
"""For a grid of 20 cells; the paper's 6, 12, 18 are for 33."""
BACKGROUND_BIAS = 0.5
"""Added to the background's logit: the best of 0 to 1.5 on 100 training photos that a trial did not see."""
FEATURE_DROPOUT, POOLED_DROPOUT = 0.2, 0.2


class Head(nn.Module):
    """Maps at strides 8, 16 and 32, of `CHANNELS` channels, to logits [B, classes, h, w] at stride 8."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.middle = nn.Sequential(nn.Dropout2d(FEATURE_DROPOUT), block(CHANNELS[1], WIDTH))
        self.deep = nn.Sequential(nn.Dropout2d(FEATURE_DROPOUT), block(CHANNELS[2], WIDTH))
        self.pooling = ASPP(2 * WIDTH, RATES, WIDTH)
        self.pooling.project[3] = nn.Dropout(POOLED_DROPOUT)  # half of so few channels would be too many
        self.fine = block(CHANNELS[0], FINE_WIDTH)
        self.join = nn.Sequential(depthwise(WIDTH + FINE_WIDTH), block(WIDTH + FINE_WIDTH, WIDTH))
        self.classify = nn.Conv2d(WIDTH, classes, 1)

    def forward(self, fine: Tensor, middle: Tensor, deep: Tensor) -> Tensor:
        """Return the logits."""
        pooled = self.pooling(torch.cat([_twice(self.deep(deep)), self.middle(middle)], dim=1))
        logits: Tensor = self.classify(self.join(torch.cat([_twice(pooled), self.fine(fine)], dim=1)))
        return logits


class SemanticNet(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1 to probabilities [B, H / 8, W / 8, classes]; sides are multiples of 32."""

    bias: Tensor

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.backbone = DetectorBackbone()
        self.head = head
        self.register_buffer("bias", torch.zeros(head.classify.out_channels))
        self.bias[0] = BACKGROUND_BIAS

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the probabilities."""
        logits = self.head(*self.backbone(pictures)).permute(0, 2, 3, 1)
        return torch.softmax(logits + self.bias, dim=3)


def _twice(maps: Tensor) -> Tensor:
    return interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
