"""What a pretrained net sees in the recoloured picture."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.backbone import backbone

PERCEIVED = (1, 2, 3)
"""Of the backbone's features: strides 4, 8 and 16."""


class Perception(nn.Module):
    """Distance of two pictures in the features of the pretrained backbone, which is not trained here."""

    def __init__(self) -> None:
        super().__init__()
        self.net = backbone().eval().requires_grad_(False)

    def forward(self, ours: Tensor, truth: Tensor) -> Tensor:
        """Return the distance of RGB [B, 3, H, W] of 0 to 255: 0 if equal, about 1 if unrelated."""
        with torch.no_grad():
            wanted = self._features(truth)
        pairs = zip(self._features(ours), wanted, strict=True)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in pairs]).mean()

    def _features(self, rgb: Tensor) -> list[Tensor]:
        features = self.net(rgb / 127.5 - 1)
        return [functional.normalize(features[index], dim=1) for index in PERCEIVED]
