"""People told from all else by two nets that stay as they are, and a head that joins them.

The served detector knows people at any distance, and what is none; it is coarse. MediaPipe's selfie net draws
fine edges, but takes whatever is in front for people. The head decides on the detector's grid of stride 8,
in the manner of DeepLab V3+, and then twice refines what it decided: by the detector's features of stride 4,
and by the selfie net's and the picture's own pixels.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pixel_shuffle, pixel_unshuffle

from training.blocks import block, depthwise
from training.detector import DEEP, FINE, MIDDLE, Detector
from training.semantic.net import FOUND, drawn

SIDE = 320
"""Of the picture that the net is served with."""
SELFIE_SIDE = 256
"""Of what MediaPipe's net reads, and of the map that is served."""
_FINEST, _FINEST_BLOCKS = 24, 3
"""Channels of the detector's features at stride 4, and the blocks that make them."""
PLANES = 16
"""Channels of MediaPipe's last features, of `SELFIE_SIDE / 2`."""
WIDTH, NARROW = 64, 24
RATES = (2, 4, 8)
"""Of the dilated convolutions on a grid of 20 cells."""
DROPOUT = 0.1


class Maps(NamedTuple):
    """What the head reads of a picture."""

    finest: Tensor
    """The detector's features: [B, 24, 80, 80]."""
    fine: Tensor
    """[B, 32, 40, 40]."""
    middle: Tensor
    """[B, 96, 20, 20]."""
    deep: Tensor
    """[B, 320, 10, 10]."""
    boxes: Tensor
    """[B, 20, 40, 40]: where it sees Pascal VOC's classes."""
    middle_logits: Tensor
    """[B, 60, 20, 20]: of its scores."""
    deep_logits: Tensor
    """[B, 120, 10, 10]."""
    planes: Tensor
    """MediaPipe's features: [B, 16, 128, 128]."""
    selfie: Tensor
    """Its logits: [B, 1, 256, 256]."""
    picture: Tensor
    """[B, 3, 256, 256] of -1 to 1."""


MAPS = (
    (_FINEST, SIDE // 4),
    (FINE, SIDE // 8),
    (MIDDLE, SIDE // 16),
    (DEEP, SIDE // 32),
    (FOUND, SIDE // 8),
    (3 * FOUND, SIDE // 16),
    (6 * FOUND, SIDE // 32),
    (PLANES, SELFIE_SIDE // 2),
    (1, SELFIE_SIDE),
    (3, SELFIE_SIDE),
)
"""Channels and sides of `Maps`."""


class Frozen(nn.Module):
    """RGB [B, 3, 320, 320] of -1 to 1 to `Maps`: what is not trained."""

    def __init__(self, selfie: nn.Module) -> None:
        super().__init__()
        self.detector, self.selfie = Detector(SIDE), selfie

    def forward(self, pictures: Tensor) -> Maps:
        """Return the maps."""
        finest = self.detector.fine[:_FINEST_BLOCKS](self.detector.stem(pictures))
        fine = self.detector.fine[_FINEST_BLOCKS:](finest)
        middle = self.detector.middle(fine)
        deep = self.detector.deep(middle)
        found = self.detector.detections(middle, deep)
        small = interpolate(pictures, (SELFIE_SIDE, SELFIE_SIDE), mode="bilinear", align_corners=False)
        planes, selfie = self.selfie((small + 1) / 2)
        boxes = drawn(found, SIDE // 8)
        return Maps(
            finest, fine, middle, deep, boxes, found.middle_logits, found.deep_logits, planes, selfie, small
        )


class Head(nn.Module):
    """`Maps` to logits [B, 256, 256]: positive on people."""

    def __init__(self) -> None:
        super().__init__()
        self.middle, self.deep = block(MIDDLE, WIDTH), block(DEEP, WIDTH)
        self.scores = block(9 * FOUND, WIDTH // 2)
        self.narrow = block(2 * WIDTH + WIDTH // 2 + FOUND + 1, WIDTH)
        self.around = nn.ModuleList(_dilated(rate) for rate in RATES)
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(WIDTH, WIDTH, 1), nn.ReLU())
        self.pool = nn.Sequential(block((2 + len(RATES)) * WIDTH, WIDTH), nn.Dropout(DROPOUT))
        self.fine = block(FINE, WIDTH // 2)
        joined = WIDTH + WIDTH // 2 + FOUND + 1
        self.join = nn.Sequential(
            depthwise(joined), block(joined, WIDTH), depthwise(WIDTH), block(WIDTH, NARROW)
        )
        self.finest = block(_FINEST, NARROW)
        self.sharpen = nn.Sequential(_full(2 * NARROW + 1, NARROW), _full(NARROW, NARROW))
        self.pixels = block(NARROW + PLANES + 4 + 12, NARROW)
        self.classify = nn.Sequential(
            nn.Conv2d(NARROW, NARROW, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(NARROW, PLANES, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(PLANES, 4, 1),
        )

    def forward(self, maps: Maps) -> Tensor:
        """Return the logits."""
        sure = torch.sigmoid(maps.selfie)
        coarse = self._coarse(maps, _enlarged(avg_pool2d(sure, 8), 40))
        sharp = self.sharpen(
            torch.cat(
                [_enlarged(coarse, 80), self.finest(maps.finest), _enlarged(avg_pool2d(sure, 4), 80)],
                dim=1,
            )
        )
        half = SELFIE_SIDE // 2
        pixels = torch.cat(
            [
                _enlarged(sharp, half),
                maps.planes,
                pixel_unshuffle(maps.selfie.clamp(-8, 8) / 4, 2),
                pixel_unshuffle(maps.picture, 2),
            ],
            dim=1,
        )
        logits: Tensor = pixel_shuffle(self.classify(self.pixels(pixels)), 2)[:, 0]
        return logits

    def _coarse(self, maps: Maps, sure: Tensor) -> Tensor:
        """Return [B, NARROW, 40, 40]."""
        scores = self.scores(torch.cat([maps.middle_logits, _enlarged(maps.deep_logits, 20)], dim=1) / 4)
        far = _enlarged(self.deep(maps.deep), 20)
        drawn = avg_pool2d(torch.cat([maps.boxes, sure], dim=1), 2)
        around = self.narrow(torch.cat([self.middle(maps.middle), far, scores, drawn], dim=1))
        whole = self.whole(around).expand_as(around)
        pooled = self.pool(torch.cat([around, whole, *(layer(around) for layer in self.around)], dim=1))
        result: Tensor = self.join(
            torch.cat([_enlarged(pooled, 40), self.fine(maps.fine), maps.boxes, sure], dim=1)
        )
        return result


class ForegroundNet(nn.Module):
    """RGB [B, 3, 320, 320] of -1 to 1 to how probably each pixel shows people, [B, 256, 256].

    It is the mean of what is found in the picture and in its mirror image.
    """

    def __init__(self, head: Head, selfie: nn.Module) -> None:
        super().__init__()
        self.frozen, self.head = Frozen(selfie), head

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the probabilities."""
        both = torch.cat([pictures, pictures.flip(3)])
        upright, mirrored = torch.sigmoid(self.head(self.frozen(both))).unflatten(0, (2, -1))
        return (upright + mirrored.flip(2)) / 2


def _dilated(rate: int) -> nn.Sequential:
    spread = nn.Conv2d(WIDTH, WIDTH, 3, padding=rate, dilation=rate, groups=WIDTH, bias=False)
    return nn.Sequential(spread, block(WIDTH, WIDTH))


def _full(inward: int, outward: int) -> nn.Sequential:
    convolution = nn.Conv2d(inward, outward, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outward), nn.ReLU(inplace=True))


def _enlarged(maps: Tensor, side: int) -> Tensor:
    return interpolate(maps, (side, side), mode="bilinear", align_corners=False)
