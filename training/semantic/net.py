"""A light DeepLab V3 on two pretrained backbones: atrous pooling at stride 16, finer features for the edges.

Source: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation" (2017), for the pooling;
the join with finer features is that of its successor (DeepLab V3+, 2018), at stride 8 instead of 4: the
teacher's own grid is no finer. The stages of stride 32 are enlarged instead of dilated, which is far cheaper.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models.segmentation.deeplabv3 import ASPP

from training.backbone import ClassifierBackbone
from training.blocks import block, depthwise
from training.detector import DetectorBackbone

WIDTH = 128
FINE_WIDTH = 32
RATES = (3, 6, 12)
"""For a grid of 20 cells; the paper's 6, 12, 18 are for 33."""
FEATURE_DROPOUT, POOLED_DROPOUT = 0.2, 0.2

Maps = tuple[Tensor, Tensor, Tensor]
"""Features at strides 8, 16 and 32."""


class Backbones(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1, sides multiples of 32, to the maps of both backbones; untrained.

    The detector knows COCO's classes, among them all of Pascal VOC's, the classifier a thousand others: the
    teacher's mistakes are about those.
    """

    channels = (DetectorBackbone.channels, ClassifierBackbone.channels)

    def __init__(self) -> None:
        super().__init__()
        self.detector, self.classifier = DetectorBackbone(), ClassifierBackbone()

    def forward(self, pictures: Tensor) -> tuple[Maps, Maps]:
        """Return the maps, of `channels` channels."""
        return self.detector(pictures), self.classifier(pictures)


class Head(nn.Module):
    """The maps of `Backbones` to logits [B, classes, h, w] at stride 8."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        fine, middle, deep = zip(*Backbones.channels, strict=True)
        self.dropout = nn.Dropout2d(FEATURE_DROPOUT)
        self.fine = nn.ModuleList(block(channels, FINE_WIDTH) for channels in fine)
        self.middle = nn.ModuleList(block(channels, WIDTH) for channels in middle)
        self.deep = nn.ModuleList(block(channels, WIDTH) for channels in deep)
        self.pooling = ASPP(2 * len(fine) * WIDTH, RATES, WIDTH)
        self.pooling.project[3] = nn.Dropout(POOLED_DROPOUT)  # half of so few channels would be too many
        joined = WIDTH + len(fine) * FINE_WIDTH
        self.join = nn.Sequential(depthwise(joined), block(joined, WIDTH))
        self.classify = nn.Conv2d(WIDTH, classes, 1)

    def forward(self, *maps: Maps) -> Tensor:
        """Return the logits."""
        context, edges = list[Tensor](), list[Tensor]()
        for (fine, middle, deep), *layers in zip(maps, self.fine, self.middle, self.deep, strict=True):
            of_fine, of_middle, of_deep = layers
            edges.append(of_fine(fine))
            context += [of_middle(self.dropout(middle)), _twice(of_deep(self.dropout(deep)))]
        pooled = _twice(self.pooling(torch.cat(context, dim=1)))
        logits: Tensor = self.classify(self.join(torch.cat([pooled, *edges], dim=1)))
        return logits


class SemanticNet(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1 to probabilities [B, H / 8, W / 8, classes]; sides are multiples of 32."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.backbones = Backbones()
        self.head = head

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the probabilities."""
        return torch.softmax(self.head(*self.backbones(pictures)).permute(0, 2, 3, 1), dim=3)


def _twice(maps: Tensor) -> Tensor:
    return interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
