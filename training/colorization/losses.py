"""What colours are measured by: distance in Lab, vividness, and what a pretrained net sees in the recoloured picture."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.backbone import backbone
from training.colorization.colour import lab_colour

ROUNDING = 1.0
"""Distances in Lab below this are treated as nothing much."""
PALE = 5.0
"""Colours weaker than this are as good as grey: making them stronger is hardly rewarded."""
PERCEIVED = (1, 2, 3)
"""Of the backbone's features: strides 4, 8 and 16."""


def strength(colour: Tensor, rounding: float) -> Tensor:
    """Return the mean length of vectors [B, 2, H, W], its tip rounded so that it has a gradient at zero."""
    return (colour.square().sum(1) + rounding**2).sqrt().mean() - rounding


class Vividness:
    """How much strength of colour is worth, against error: as much as makes it `target` times the truth's.

    The error alone is least at the median of what is plausible, which is nearly grey. Minimising
    `|p - t| - worth * |p|` instead gives, for each worth, the least error at one strength of colour.
    """

    HIGHEST = 0.8
    PACE = 0.001

    def __init__(self, target: float, worth: float = 0.3) -> None:
        self.target = target
        self.worth = worth

    def update(self, ours: float, truth: float) -> None:
        """Take in the strengths of one step."""
        self.worth += self.PACE * (self.target - ours / truth)
        self.worth = min(self.HIGHEST, max(0.0, self.worth))

    def state_dict(self) -> dict[str, float]:
        """Return the worth."""
        return {"worth": self.worth}

    def load_state_dict(self, state: dict[str, float], /) -> None:
        """Take it back."""
        self.worth = state["worth"]


class Perception(nn.Module):
    """Distance of two pictures in the features of the pretrained backbone, which is not trained here."""

    def __init__(self) -> None:
        super().__init__()
        self.net = backbone().eval().requires_grad_(False)

    def forward(self, ours: Tensor, truth: Tensor) -> Tensor:
        """Return the distance of RGB [B, 3, H, W] of 0 to 255: 0 for equal ones, about 1 for unrelated ones."""
        with torch.no_grad():
            wanted = self._features(truth)
        pairs = zip(self._features(ours), wanted, strict=True)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in pairs]).mean()

    def _features(self, rgb: Tensor) -> list[Tensor]:
        features = self.net(rgb / 127.5 - 1)
        return [functional.normalize(features[index], dim=1) for index in PERCEIVED]


def colour_loss(ours: Tensor, truth: Tensor, worth: float) -> tuple[Tensor, float, float]:
    """Return the loss of RGB [B, 3, H, W] in units of Lab, and the strengths of both pictures' colours."""
    ours_ab, truth_ab = lab_colour(ours), lab_colour(truth)
    loss = strength(ours_ab - truth_ab, ROUNDING) - worth * strength(ours_ab, PALE)
    with torch.no_grad():
        strengths = strength(ours_ab, 0.0).item(), strength(truth_ab, 0.0).item()
    return loss, *strengths
