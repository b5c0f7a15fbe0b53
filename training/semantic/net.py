"""A light DeepLab V3+ on the detector: atrous pooling of its features, its scores and the boxes it finds.

Source: Chen et al., "Encoder-Decoder with Atrous Separable Convolution" (2018). Its finest features are of
stride 8 here instead of 4, and the stages of stride 32 are enlarged instead of dilated, which is far cheaper.
The detector stays as it is; of its blocks of stride 32 the head has a copy, which is trained along.
Added: for each class, a map of the boxes in which the detector sees it. All boxes are drawn, without a choice
among them, so that plain operators do it.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from training.blocks import block, depthwise
from training.detector import DEEP, FINE, MIDDLE, Detector, Found, deep_blocks

FOUND = 20
"""Classes that the detector finds: all but the background."""
WIDTH, FINE_WIDTH = 128, 64
RATES = (3, 6, 9)
"""For a grid of 20 cells; the paper's 6, 12, 18 are for 33."""
DROPOUT = 0.1
LEAST_SCORE = 0.05
"""Most anchors have less, of every class."""

Maps = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""What `Frozen` returns."""
SHAPES = ((FINE, 8), (MIDDLE, 16), (DEEP, 32), (FOUND, 8), (3 * FOUND, 16), (6 * FOUND, 32))
"""Channels and strides of `Maps`: features, drawn boxes, and logits of scores on the two finest grids."""


class Frozen(nn.Module):
    """RGB [B, 3, side, side] of -1 to 1 to `Maps`: the detector's features, drawn boxes and scores."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.detector = Detector(side)
        self._cells = side // SHAPES[3][1]

    def forward(self, pictures: Tensor) -> Maps:
        """Return the maps, of `SHAPES`."""
        fine, middle, deep = self.detector.features(pictures)
        found = self.detector.detections(middle, deep)
        return fine, middle, deep, drawn(found, self._cells), found.middle_logits, found.deep_logits


def drawn(found: Found, cells: int) -> Tensor:
    """Return [B, classes, cells, cells], not negative: how much is found of each class over each cell."""
    weights = (found.scores - LEAST_SCORE).clamp(min=0)
    top, left, bottom, right = (found.boxes * cells).unbind(dim=2)
    rows, columns = _covered(top, bottom, cells), _covered(left, right, cells)
    of_classes = (weights.unsqueeze(3) * rows.unsqueeze(2)).flatten(2)
    boxes = torch.matmul(of_classes.transpose(1, 2), columns)
    return torch.log1p(boxes.unflatten(1, (FOUND, cells)))


def _covered(start: Tensor, stop: Tensor, cells: int) -> Tensor:
    """Return [B, n, cells]: how much of each cell lies between `start` and `stop` [B, n], in cells."""
    edges = torch.arange(cells, dtype=start.dtype, device=start.device)
    before = (start.unsqueeze(2) - edges).clamp(0, 1)
    return ((stop.unsqueeze(2) - edges).clamp(0, 1) - before).clamp(min=0)


class Head(nn.Module):
    """`Maps` to logits [B, classes, h, w] at stride 8."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = deep_blocks()
        self.middle, self.deep = block(MIDDLE, WIDTH), block(DEEP, WIDTH)
        self.scores = block(9 * FOUND, WIDTH // 2)
        self.narrow = block(2 * WIDTH + WIDTH // 2 + FOUND, WIDTH)
        self.around = nn.ModuleList(_dilated(rate) for rate in RATES)
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(WIDTH, WIDTH, 1), nn.ReLU())
        self.pool = nn.Sequential(block((2 + len(RATES)) * WIDTH, WIDTH), nn.Dropout(DROPOUT))
        self.join = nn.Sequential(
            block(WIDTH + FINE + FOUND, FINE_WIDTH), depthwise(FINE_WIDTH), block(FINE_WIDTH, FINE_WIDTH)
        )
        self.classify = nn.Conv2d(FINE_WIDTH + FOUND, classes, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        """Return the logits."""
        fine, middle, _, boxes, middle_logits, deep_logits = maps
        scores = self.scores(torch.cat([middle_logits, _twice(deep_logits)], dim=1) / 4)
        far = _twice(self.deep(self.backbone(middle)))
        around = self.narrow(torch.cat([self.middle(middle), far, scores, avg_pool2d(boxes, 2)], dim=1))
        whole = self.whole(around).expand_as(around)
        pooled = _twice(
            self.pool(torch.cat([around, whole, *(layer(around) for layer in self.around)], dim=1))
        )
        joined = self.join(torch.cat([pooled, fine, boxes], dim=1))
        logits: Tensor = self.classify(torch.cat([joined, boxes], dim=1))
        return logits


class SemanticNet(nn.Module):
    """RGB [B, 3, side, side] of -1 to 1 to probabilities [B, side / 8, side / 8, classes].

    `side` is a multiple of 32.
    """

    def __init__(self, head: Head, side: int) -> None:
        super().__init__()
        self.frozen, self.head = Frozen(side), head

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the probabilities."""
        return torch.softmax(self.head(*self.frozen(pictures)).permute(0, 2, 3, 1), dim=3)


def new_head(classes: int, side: int) -> Head:
    """Return a head of which only the detector's blocks are trained."""
    head = Head(classes)
    head.backbone.load_state_dict(Detector(side).deep.state_dict())
    return head


def _dilated(rate: int) -> nn.Sequential:
    spread = nn.Conv2d(WIDTH, WIDTH, 3, padding=rate, dilation=rate, groups=WIDTH, bias=False)
    return nn.Sequential(spread, block(WIDTH, WIDTH))


def _twice(maps: Tensor) -> Tensor:
    return interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
