"""Colours as a choice among the knots of a grid in the plane of chroma: what the net predicts.

Grass may be green or brown, and the mean of both is a dull colour that no grass has. So the net says how
probable each colour is (Zhang, Isola and Efros, "Colorful Image Colorization", 2016). What is served is the
colour from which the truth is least far in the mean; in training, where a gradient is needed through it, the
mean after probable colours were made more so.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.colorization.colour import CHROMA, mixed

LEVELS = (-75.0, -44.0, -23.0, -9.0, 0.0, 9.0, 23.0, 44.0, 75.0)
"""Of Cb and of Cr at the knots: dense near grey, where most colours are."""
COLOURS = torch.cartesian_prod(torch.tensor(LEVELS), torch.tensor(LEVELS))
"""(Cb, Cr) of the knots."""
KNOTS = len(COLOURS)
RAREST = 1e-4
"""Share of pixels below which colours count as equally rare."""
LARGEST_WEIGHT = 6.0
BETS = torch.cartesian_prod(torch.arange(-45.0, 46, 9), torch.arange(-45.0, 46, 9))
"""(Cb, Cr) of the colours among which one is chosen for a pixel."""
SOFTNESS = 2.0
"""Levels of chroma: bets that cost hardly more than the best one are mixed with it, to have no steps."""


def knots_of(chroma: Tensor) -> tuple[Tensor, Tensor]:
    """Return the four knots round every chroma [B, 2, H, W], and their shares: int64, float [B, 4, H, W].

    The shares sum to 1; the knots so mixed are the chroma itself, clipped to the grid.
    """
    levels = chroma.new_tensor(LEVELS)
    inside = chroma.clamp(LEVELS[0], LEVELS[-1] - 1e-3).contiguous()
    below = torch.bucketize(inside, levels, right=True) - 1
    above = (inside - levels[below]) / (levels[below + 1] - levels[below])
    (blue, red), (blue_above, red_above) = below.unbind(1), above.unbind(1)
    corner = blue * len(LEVELS) + red
    knots = torch.stack([corner, corner + 1, corner + len(LEVELS), corner + len(LEVELS) + 1], 1)
    shares = [(1 - blue_above) * (1 - red_above), (1 - blue_above) * red_above,
              blue_above * (1 - red_above), blue_above * red_above]  # fmt: skip
    return knots, torch.stack(shares, 1)


def frequencies(pictures: NDArray[np.uint8]) -> Tensor:
    """Return which share of the pixels of pictures uint8 RGB [n, H, W, 3] each knot has, float [KNOTS]."""
    total = torch.zeros(KNOTS, dtype=torch.float64)
    for picture in pictures:
        rgb = torch.from_numpy(picture)[None, ::4, ::4].permute(0, 3, 1, 2).float()
        knots, shares = knots_of(mixed(rgb, CHROMA))
        total.index_add_(0, knots.flatten(), shares.flatten().double())
    return (total / total.sum()).float()


def weights_of(frequencies: Tensor) -> Tensor:
    """Return how much pixels of each knot's colour count in training: rare ones more, 1 in the mean.

    By the square root of how rare they are: half way between counting pixels and counting colours.
    """
    weights = frequencies.clamp(min=RAREST) ** -0.5
    weights /= (weights * frequencies).sum()
    return weights.clamp(max=LARGEST_WEIGHT)


def choice_loss(logits: Tensor, chroma: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted cross entropy of logits [B, KNOTS, H, W] where the truth is chroma [B, 2, H, W]."""
    knots, shares = knots_of(chroma)
    chosen = torch.log_softmax(logits, 1).gather(1, knots)
    weight = (weights[knots] * shares).sum(1)
    return -((chosen * shares).sum(1) * weight).mean()


def painted(logits: Tensor, sharpness: float) -> Tensor:
    """Return the chroma [B, 2, H, W] of logits [B, KNOTS, H, W]: at 1 the mean, at infinity the likeliest."""
    probs = torch.softmax(logits.permute(0, 2, 3, 1) * sharpness, 3)
    return (probs @ COLOURS).permute(0, 3, 1, 2)


def best_bet(logits: Tensor, worth: float) -> Tensor:
    """Return the chroma [B, 2, H, W] that costs least where logits [B, KNOTS, H, W] are of what is true.

    A bet costs its mean distance from the truth less `worth` times its strength, without which most would
    be on grey.
    """
    costs = torch.cdist(COLOURS, BETS) - worth * BETS.norm(dim=1)
    expected = torch.softmax(logits.permute(0, 2, 3, 1), 3) @ costs
    return (torch.softmax(-expected / SOFTNESS, 3) @ BETS).permute(0, 3, 1, 2)
