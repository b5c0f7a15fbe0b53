"""The U-Net: EfficientNet-Lite0's pyramid, a decoder up to half the input's size, and the scene's mean features."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.backbone import CHANNELS, Normalised, backbone, freeze_statistics

REACH = 128.0
"""Chroma of Cb and Cr lies within -REACH to REACH."""
UNIT = 32.0
"""The last convolution answers in this many levels of chroma, so that its weights are of the usual size."""
STEM_BLOCKS = 2
"""How many of the backbone's stages keep their pretrained weights: edges and textures; it saves a third of the time."""


class Join(nn.Module):
    """Deeper features enlarged twice, beside a narrowed skip connection, mixed by a 3x3 convolution."""

    def __init__(self, deeper: int, skipped: int, narrowed: int, width: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(skipped, narrowed, 1)
        self.mix = nn.Sequential(
            nn.Conv2d(deeper + narrowed, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU6()
        )

    def forward(self, deeper: Tensor, skipped: Tensor) -> Tensor:
        """Return features of the size of `skipped`."""
        enlarged = functional.interpolate(deeper, scale_factor=2.0, mode="bilinear")
        mixed: Tensor = self.mix(torch.cat([enlarged, self.narrow(skipped)], 1))
        return mixed


class ColourNet(nn.Module):
    """RGB [B, 3, H, W] of -1 to 1 with R = G = B to chroma (Cb, Cr) [B, 2, H/2, W/2]; H and W multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = backbone()
        self.bottom = nn.Conv2d(CHANNELS[4], 128, 1)
        self.scene = nn.Sequential(nn.Linear(CHANNELS[4], 128), nn.ReLU6(), nn.Linear(128, 128))
        self.join16 = Join(128, CHANNELS[3], 64, 96)
        self.join8 = Join(96, CHANNELS[2], 48, 64)
        self.join4 = Join(64, CHANNELS[1], 32, 48)
        self.join2 = Join(48, CHANNELS[0], 16, 32)
        self.head = nn.Conv2d(32, 2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        for part in (self.encoder.conv_stem, self.encoder.bn1, self.encoder.blocks[:STEM_BLOCKS]):
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> "ColourNet":
        """Switch to training; the encoder's batch norms stay as pretrained."""
        super().train(mode)
        freeze_statistics(self.encoder)
        return self

    def forward(self, grey: Tensor) -> Tensor:
        """Run the net."""
        at2, at4, at8, at16, at32 = self.encoder(grey)
        scene = self.scene(at32.mean((2, 3)))[:, :, None, None]
        joined = self.join16(self.bottom(at32) + scene, at16)
        joined = self.join2(self.join4(self.join8(joined, at8), at4), at2)
        chroma: Tensor = self.head(joined) * UNIT
        return chroma


class Served(nn.Module):
    """The graph: uint8 pictures [B, H, W, 3] with R = G = B to chroma float32 [B, H, W, 2], made `vividness` times as strong."""

    def __init__(self, net: nn.Module, vividness: float) -> None:
        super().__init__()
        self.net = Normalised(net)
        self.vividness = vividness

    def forward(self, pixels: Tensor) -> Tensor:
        """Run the net, enlarge its chroma and bring the channels last."""
        chroma = functional.interpolate(self.net(pixels) * self.vividness, scale_factor=2.0, mode="bilinear")
        return chroma.clamp(-REACH, REACH - 1).permute(0, 2, 3, 1)
