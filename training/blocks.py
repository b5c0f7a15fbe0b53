"""What decoders on the backbone are built of."""

from torch import nn


def block(inward: int, outward: int) -> nn.Sequential:
    """Return a 1x1 convolution with batch norm and ReLU."""
    return _normalised(nn.Conv2d(inward, outward, 1, bias=False))


def depthwise(width: int) -> nn.Sequential:
    """Return a 3x3 convolution, each channel by itself, with batch norm and ReLU."""
    return _normalised(nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False))


def _normalised(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True))
