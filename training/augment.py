"""Pictures and what is known of them, changed alike."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample


def windows(random: np.random.Generator, shares: NDArray[np.float64], offsets: NDArray[np.float64]) -> Tensor:
    """Return affine maps [n, 2, 3] from the square of -1 to 1 to windows of it, half of them mirrored.

    `shares` [n, 2] are the windows' width and height, of the square's, `offsets` [n, 2] their centres (x, y).
    """
    size = len(shares)
    maps = np.zeros((size, 2, 3), dtype=np.float32)
    maps[:, 0, 0] = shares[:, 0] * random.choice([-1, 1], size)
    maps[:, 1, 1] = shares[:, 1]
    maps[:, :, 2] = offsets
    return torch.from_numpy(maps)


def sample(maps: Tensor, views: Tensor, side: int, *, corners: bool) -> Tensor:
    """Return [B, C, side, side], the parts `views` of `maps` at the centres of a grid of `side` cells.

    `corners`: the outermost values of `maps` stand on the picture's edge (as the teacher's do), not half a
    cell inside.
    """
    centres = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=2)
    grid = torch.einsum("bij,hwj->bhwi", views, points)
    return grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=corners)


def jitter(pictures: Tensor, random: np.random.Generator) -> None:
    """Change brightness, contrast and saturation of each picture a little, in place."""
    count = len(pictures)
    gains, saturations = torch.from_numpy(random.uniform(0.75, 1.25, (2, count, 1, 1, 1)).astype(np.float32))
    shifts = torch.from_numpy(random.uniform(-0.2, 0.2, (count, 1, 1, 1)).astype(np.float32))
    grey = pictures.mean(dim=1, keepdim=True)
    pictures.sub_(grey).mul_(saturations).add_(grey).mul_(gains).add_(shifts).clamp_(-1, 1)
