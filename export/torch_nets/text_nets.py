"""Stand-ins of PP-OCR's detector and recogniser: their inputs and outputs over common layers.

What PP-OCR publishes are finished graphs, so that nothing of ours needs to know their layers. These graphs
are of about as many weights and are used where those are out of reach.
"""

import torch
from torch import Tensor, nn
from torchvision.models import resnet50

_WIDTH = 256
"""Channels that the detector's stages are joined in."""


class TextDetector(nn.Module):
    """Float BGR [B, 3, height, width], sides multiples of 32, to probabilities [B, 1, height, width].

    A ResNet-50, its stages joined at a quarter of the side, and two transposed convolutions up to the whole
    (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020).
    """

    def __init__(self) -> None:
        super().__init__()
        net = resnet50()
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        self.stages = nn.ModuleList([net.layer1, net.layer2, net.layer3, net.layer4])
        self.sides = nn.ModuleList(nn.Conv2d(channels, _WIDTH, 1) for channels in (256, 512, 1024, 2048))
        self.head = nn.Sequential(
            nn.Conv2d(_WIDTH, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 64, 2, stride=2),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 1, 2, stride=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the map."""
        x, features = self.stem(x), list[Tensor]()
        for stage, side in zip(self.stages, self.sides, strict=True):
            x = stage(x)
            features.append(side(x))
        joined = features.pop()
        while features:
            joined = nn.functional.interpolate(joined, scale_factor=2.0, mode="nearest") + features.pop()
        return self.head(joined).sigmoid()


class TextRecogniser(nn.Module):
    """Float BGR [B, 3, 48, width] to probabilities of every step, [B, width / 8, classes].

    Convolutions down to one row, of which each cell is a step (Shi et al., "An End-to-End Trainable Neural
    Network for Image-based Sequence Recognition", 2015).
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _layer(3, 64, (2, 2)),
            _layer(64, 128, (2, 2)),
            _layer(128, 256, (2, 2)),
            _layer(256, 512, (2, 1)),
            _layer(512, 512, (1, 1)),
            nn.Conv2d(512, 512, (3, 1), bias=False),
            nn.BatchNorm2d(512),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return softmax probabilities."""
        steps = self.body(x).squeeze(2).transpose(1, 2)
        return torch.softmax(self.classifier(steps), dim=2)


def _layer(inputs: int, outputs: int, stride: tuple[int, int]) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
