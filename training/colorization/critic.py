"""The critic of the adversarial phase: says of every patch of a picture whether its colours are real."""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from training.colorization.colour import CHROMA, LUMA, mixed

WIDTHS = (32, 64, 128)
CHANNELS = 3
CENTRE, SPREADS = 127.5, (64.0, 24.0, 24.0)
"""Of luma, Cb and Cr."""


class Critic(nn.Module):
    """RGB [B, 3, H, W] of 0 to 255 to scores [B, 1, h, w] of patches, over 0 where they look real.

    It sees luma and chroma, of which only the chroma is ever ours.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for deeper, width in zip((CHANNELS, *WIDTHS), WIDTHS, strict=False):
            layers += [spectral_norm(nn.Conv2d(deeper, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(WIDTHS[-1], 1, 3, padding=1)))

    def forward(self, rgb: Tensor) -> Tensor:
        """Judge pictures."""
        centred = torch.cat([mixed(rgb, (LUMA,)) - CENTRE, mixed(rgb, CHROMA)], 1)
        scores: Tensor = self.layers(centred / rgb.new_tensor(SPREADS).view(1, 3, 1, 1))
        return scores


def critic_loss(real: Tensor, ours: Tensor) -> Tensor:
    """Return the hinge loss of scores: real patches over 1, ours under -1."""
    return torch.relu(1 - real).mean() + torch.relu(1 + ours).mean()
