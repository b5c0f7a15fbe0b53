"""How far the painted colours are from the true ones, and what a pretrained net sees in the picture."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.backbone import backbone
from training.colorization.colour import lab_colour

PERCEIVED = (1, 2, 3)
"""Of the backbone's features: strides 4, 8 and 16."""

ROUNDING = 1.0
"""Distances in Lab below this are treated as nothing much."""
PALE = 5.0
"""Colours weaker than this are as good as grey: making them stronger is hardly rewarded."""
WORTH = 0.3
"""Of the strength of a colour, against its distance from the truth: without it all would turn grey."""


def distance_loss(ours: Tensor, truth: Tensor) -> Tensor:
    """Return the mean distance in Lab of RGB [B, 3, H, W], less what the strength of our colours is worth."""
    our_colour, true_colour = lab_colour(ours), lab_colour(truth)
    return _length(our_colour - true_colour, ROUNDING) - WORTH * _length(our_colour, PALE)


def _length(vectors: Tensor, rounding: float) -> Tensor:
    """Return the mean length of vectors [B, 2, H, W], its tip rounded so that it has a gradient at zero."""
    return (vectors.square().sum(1) + rounding**2).sqrt().mean() - rounding


class Perception(nn.Module):
    """Distance of two pictures in the features of the pretrained backbone, which is not trained here."""

    def __init__(self) -> None:
        super().__init__()
        self.net = backbone().eval().requires_grad_(False)

    def forward(self, ours: Tensor, truth: Tensor) -> Tensor:
        """Return the distance of RGB [B, 3, H, W] of 0 to 255: 0 if equal, about 1 if unrelated."""
        with torch.no_grad():
            true_features = self._features(truth)
        pairs = zip(self._features(ours), true_features, strict=True)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in pairs]).mean()

    def _features(self, rgb: Tensor) -> list[Tensor]:
        features = self.net(rgb / 127.5 - 1)
        return [functional.normalize(features[index], dim=1) for index in PERCEIVED]
