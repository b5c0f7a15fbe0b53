"""Regions of a pyramid of features, pooled to a few cells: RoIAlign as one GridSample.

Source: torchvision's `MultiScaleRoIAlign` (He et al., 2017; Lin et al., 2017, equation 1) as its detectors
use it: not aligned, two by two samples a cell, levels of strides 4 to 32, of which each region has one by its
size. To take some regions from one level and others from the next has shapes that depend on the picture; here
all levels lie in one plane, and every region samples that plane, at places of its own level.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own custom
from torch import Tensor, nn

STRIDES = (4, 8, 16, 32)

_SAMPLES = 2
"""A cell, along either side."""
_CANONICAL_SIDE, _CANONICAL_LEVEL, _EPSILON = 224, 2, 1e-6
"""A region of that side (square root of its area) is of that level, the first being 0."""
_OUTSIDE = -9.0
"""A place of GridSample's, whose plane reaches from -1 to 1; there are zeros."""


def in_one_plane(levels: Sequence[Tensor], size: int) -> Tensor:
    """Return the four levels of a square picture as one plane [B, C, size / 4, size * 3 / 8].

    The first, [B, C, size / 4, size / 4], stands at the left, the others at its right, one below the other.
    """
    first, *others = (size // stride for stride in STRIDES)
    column = [F.pad(one, (0, others[0] - side)) for one, side in zip(levels[1:], others, strict=True)]
    return torch.cat([levels[0], F.pad(torch.cat(column, dim=2), (0, 0, 0, first - sum(others)))], dim=3)


class RegionPooling(nn.Module):
    """Pools `count` regions of a square picture of `size` pixels a side to `cells` by `cells` cells each."""

    smallest: Tensor
    scales: Tensor
    last: Tensor
    origins: Tensor
    plane: Tensor
    steps: Tensor

    def __init__(self, size: int, cells: int, count: int) -> None:
        super().__init__()
        self.cells, self.count, self.samples = cells, count, cells * _SAMPLES
        sides = [size // stride for stride in STRIDES]
        smallest = [
            _CANONICAL_SIDE * 2 ** (level - _CANONICAL_LEVEL - _EPSILON) for level in range(1, len(STRIDES))
        ]
        below = [0, *(sum(sides[1:level]) for level in range(1, len(sides)))]
        steps = (torch.arange(self.samples) + 0.5) / self.samples
        self._constant("smallest", smallest)
        self._constant("scales", [1 / stride for stride in STRIDES])
        self._constant("last", [side - 1 for side in sides])
        self._constant("origins", [(0, 0), *((sides[0], top) for top in below[1:])])
        self._constant("plane", [sides[0] + sides[1], sides[0]])
        self.register_buffer("steps", steps, persistent=False)

    def _constant(self, name: str, values: object) -> None:
        self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def forward(self, plane: Tensor, regions: Tensor) -> Tensor:
        """Return what is pooled from `plane` (`in_one_plane`), float [B * count, C, cells, cells].

        `regions` [B, count, 4] are (left, top, right, bottom) in pixels of the picture, none negative.
        """
        grid = self._places(regions).reshape(-1, self.count * self.samples, self.samples, 2)
        sampled = F.grid_sample(plane, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        pooled = F.avg_pool2d(sampled, _SAMPLES)
        by_region = pooled.reshape(-1, plane.shape[1], self.count, self.cells, self.cells).transpose(1, 2)
        return by_region.reshape(-1, plane.shape[1], self.cells, self.cells)

    def _places(self, regions: Tensor) -> Tensor:
        """Return where each region is sampled, [B, count, rows, columns, 2] of GridSample's (x, y)."""
        level = self._levels(regions)
        starts, stops = (regions * self.scales[level][..., None]).split(2, dim=-1)
        spans = (stops - starts).clamp(min=1)
        at = starts[..., None] + spans[..., None] * self.steps  # [B, n, 2, samples]
        last = self.last[level][..., None, None]
        # Up to a cell beyond the last centre the last cell counts, and farther out there is nothing.
        within = torch.minimum(at, last) + self.origins[level][..., None]
        scaled = (2 * within + 1) / self.plane[:, None] - 1
        across, down = torch.where(at <= last + 1, scaled, _OUTSIDE).unbind(2)
        across = across[:, :, None, :].repeat(1, 1, self.samples, 1)
        down = down[:, :, :, None].repeat(1, 1, 1, self.samples)
        return torch.stack([across, down], dim=-1)

    def _levels(self, regions: Tensor) -> Tensor:
        """Return the level of each region, int64 [B, n], by its size; there is no logarithm to round."""
        sides = regions[..., 2:] - regions[..., :2]
        length = (sides[..., 0] * sides[..., 1]).sqrt()
        return (length[..., None] >= self.smallest).sum(dim=-1)
