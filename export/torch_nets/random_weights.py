"""Weights from a generator's seed, for files in a published checkpoint's layout.

They say nothing of a picture. Where a checkpoint is out of reach, loading, parity and shapes are tested with
them.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

_SCALES = (0.7, 1.0)
"""Of normalisations: below 1, so that the sums of many residual branches stay small."""
_VARIANCES = (0.8, 1.2)
_OFFSET = 0.05
"""Standard deviation of biases and running means."""


def set_random_weights(module: nn.Module, seed: int = 0) -> None:
    """Fill the module's parameters and running statistics in place, the same for a seed on every machine.

    Kernels keep a signal's variance through a ReLU (He et al., 2015); the scales of normalisations, frozen
    ones too, are a little below 1, biases and means near 0, variances near 1. Other buffers (anchors,
    counters, constants of ours) stay.
    """
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in module.modules():
            for name, value in part.named_parameters(recurse=False):
                _fill(part, name, value, random)
            for name, value in part.named_buffers(recurse=False):
                if name in ("weight", "bias", "running_mean", "running_var"):
                    _fill(part, name, value, random)


def save(state: Mapping[str, object], path: Path, *, legacy: bool = False) -> None:
    """Write a state dict, or a dict that has one, as `torch.save` does, or did before PyTorch 1.6."""
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)


def _fill(part: nn.Module, name: str, value: Tensor, random: Generator) -> None:
    if name == "running_var":
        value.uniform_(*_VARIANCES, generator=random)
    elif value.ndim >= 2:
        value.normal_(std=math.sqrt(2 / _fan_in(part, value)), generator=random)
    elif name == "weight":
        value.uniform_(*_SCALES, generator=random)
    else:
        value.normal_(std=_OFFSET, generator=random)


def _fan_in(part: nn.Module, kernel: Tensor) -> float:
    """Return how many values of the input each value of the output is a sum of."""
    if isinstance(part, nn.ConvTranspose2d):
        inputs = kernel.numel() / kernel.shape[1] / part.groups
        return inputs / math.prod(part.stride)
    return kernel.numel() / kernel.shape[0]
