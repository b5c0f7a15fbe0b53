"""Robust Video Matting with MobileNetV3, for a single picture, under the names that its checkpoint carries.

Source: Lin, Yang, Saleemi and Sengupta, "Robust High-Resolution Video Matting with Temporal Guidance"
(arXiv 2108.11515), and the names and shapes of the weights in `rvm_mobilenetv3.pth`, the authors' release
1.0.0. The code is our own. A state dict of that file loads with `strict=True`.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v3_large

from export.torch_nets.resnet import DEVIATION, MEAN

_SKIPS = {1: 16, 3: 24, 6: 40}
"""Channels of the backbone's stages that the decoder looks back at: at 1/2, 1/4 and 1/8 of the side."""
_DEEPEST, _REDUCED = 960, 128
"""Channels of the backbone's last stage and of the pooling block after it."""
_WIDTHS = (80, 40, 32, 16)
"""Channels of the decoder's blocks, from 1/8 of the side to the whole."""
_RGB, _ALPHA = 3, 1


class PoolingBlock(nn.Module):
    """The reduced form of spatial pyramid pooling of MobileNetV3's segmentation head (LR-ASPP)."""

    def __init__(self) -> None:
        super().__init__()
        self.aspp1 = nn.Sequential(*_normalised(_DEEPEST, _REDUCED, kernel=1))
        self.aspp2 = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(_DEEPEST, _REDUCED, 1, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of as many rows and columns, weighted by what the whole picture shows."""
        return self.aspp1(x) * self.aspp2(x)


class FirstFrame(nn.Module):
    """A convolutional GRU at a video's first frame: its state before is zero, and so is all that reads it.

    Of a step h' = (1 - z) h + z c there remains z c. The gate r, whose weights are `ih`'s first half, only
    scales h, and the second half of each kernel's input channels is h's; the checkpoint has all of them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.ih = nn.Sequential(nn.Conv2d(2 * channels, 2 * channels, 3, padding=1), nn.Sigmoid())
        self.hh = nn.Sequential(nn.Conv2d(2 * channels, channels, 3, padding=1), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Return the state after `x`, of its shape."""
        count, gates, candidates = self.channels, self.ih[0], self.hh[0]
        update = functional.conv2d(x, gates.weight[count:, :count], gates.bias[count:], padding=1)
        candidate = functional.conv2d(x, candidates.weight[:, :count], candidates.bias, padding=1)
        return update.sigmoid() * candidate.tanh()


class Deepest(nn.Module):
    """The decoder's first block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru = FirstFrame(channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return _remembered(self.gru, x)


class Enlarging(nn.Module):
    """Features enlarged twice, beside the backbone's and the picture's of that size, mixed and remembered."""

    def __init__(self, deeper: int, skipped: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*_normalised(deeper + skipped + _RGB, outputs, kernel=3))
        self.gru = FirstFrame(outputs // 2)

    def forward(self, deeper: Tensor, skipped: Tensor, picture: Tensor) -> Tensor:
        """Return features of the size of `skipped` and of `picture`."""
        return _remembered(self.gru, self.conv(torch.cat((_twice(deeper), skipped, picture), dim=1)))


class Output(nn.Module):
    """The last enlargement: two convolutions, beside the picture itself."""

    def __init__(self, deeper: int, outputs: int) -> None:
        super().__init__()
        first = _normalised(deeper + _RGB, outputs, kernel=3)
        self.conv = nn.Sequential(*first, *_normalised(outputs, outputs, kernel=3))

    def forward(self, deeper: Tensor, picture: Tensor) -> Tensor:
        """Return features of the size of `picture`."""
        return self.conv(torch.cat((_twice(deeper), picture), dim=1))


class Decoder(nn.Module):
    """From features at 1/16 of the side to features of every pixel."""

    def __init__(self) -> None:
        super().__init__()
        steps = zip(pairwise((_REDUCED, *_WIDTHS[:3])), reversed(_SKIPS.values()), strict=True)
        self.decode4 = Deepest(_REDUCED)
        self.decode3, self.decode2, self.decode1 = (
            Enlarging(deeper, skipped, outputs) for (deeper, outputs), skipped in steps
        )
        self.decode0 = Output(_WIDTHS[2], _WIDTHS[3])

    def forward(self, picture: Tensor, skips: list[Tensor], deepest: Tensor) -> Tensor:
        """Return float [B, 16, height, width]; `skips` are in the backbone's order."""
        at2 = functional.avg_pool2d(picture, 2)
        at4 = functional.avg_pool2d(at2, 2)
        at8 = functional.avg_pool2d(at4, 2)
        x = self.decode3(self.decode4(deepest), skips[2], at8)
        x = self.decode1(self.decode2(x, skips[1], at4), skips[0], at2)
        return self.decode0(x, picture)


class RobustVideoMatting(nn.Module):
    """The net on the first frame of a video, which a single picture is, at downsample ratio 1.

    `project_seg`, which only training reads, and `refiner`, the guided filter that enlarges what is found in
    a reduced copy and so runs at no ratio of 1, have their layers for the sake of the checkpoint's names.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict({"features": mobilenet_v3_large(dilated=True).features})
        self.aspp = PoolingBlock()
        self.decoder = Decoder()
        self.project_mat = _projection(_RGB + _ALPHA)
        self.project_seg = _projection(1)
        self.refiner = _refiner(_WIDTHS[3])
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        """Return alpha, float [B, height, width] of 0 to 1.

        `picture` is float RGB [B, 3, height, width] of 0 to 1. Its sides are multiples of 16: what is
        enlarged then has the size of what it is put beside, and the published net's cut has nothing to do.
        """
        skips = list[Tensor]()
        x = (picture - self.mean) / self.deviation
        for index, stage in enumerate(self.backbone["features"]):
            x = stage(x)
            if index in _SKIPS:
                skips.append(x)
        matte = self.project_mat["conv"](self.decoder(picture, skips, self.aspp(x)))
        return matte[:, _RGB].clamp(0, 1)


class ServedMatting(nn.Module):
    """The net as it is served: `pixels` uint8 RGB [B, height, width, 3] to `alpha` [B, height, width]."""

    def __init__(self, net: RobustVideoMatting) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Return float32 [B, height, width] of 0 to 1."""
        # The cast stands first: TensorRT takes bytes into nothing else.
        return self.net(pixels.float().permute(0, 3, 1, 2) / 255)


def _normalised(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


def _projection(outputs: int) -> nn.ModuleDict:
    return nn.ModuleDict({"conv": nn.Conv2d(_WIDTHS[3], outputs, 1)})


def _refiner(hidden: int) -> nn.ModuleDict:
    """Return the layers of the deep guided filter (Wu et al., 2018) on RGB and grey, or RGB and alpha."""
    planes = _RGB + _ALPHA
    return nn.ModuleDict(
        {
            "box_filter": nn.Conv2d(planes, planes, 3, padding=1, bias=False, groups=planes),
            "conv": nn.Sequential(
                *_normalised(2 * planes + hidden, hidden, kernel=1),
                *_normalised(hidden, hidden, kernel=1),
                nn.Conv2d(hidden, planes, 1),
            ),
        }
    )


def _remembered(unit: FirstFrame, x: Tensor) -> Tensor:
    """Return half of the channels as they are, the other half through the recurrent unit."""
    kept, remembered = x.split(unit.channels, dim=1)
    return torch.cat((kept, unit(remembered)), dim=1)


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear")
