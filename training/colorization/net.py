"""The U-Net: EfficientNet-Lite0's pyramid, a decoder up to half its size, and the scene's mean features."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.backbone import CHANNELS, backbone
from training.blocks import Normalised, freeze_statistics
from training.colorization.palette import KNOTS, RAREST, best_bet

STEM_BLOCKS = 2
"""How many of the backbone's first stages stay as pretrained, which saves a third of the time."""


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
    """RGB [B, 3, H, W] of -1 to 1 with R = G = B to logits of colours [B, KNOTS, H/2, W/2].

    H and W are multiples of 32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = backbone()
        self.bottom = nn.Conv2d(CHANNELS[4], 128, 1)
        self.scene = nn.Sequential(nn.Linear(CHANNELS[4], 128), nn.ReLU6(), nn.Linear(128, 128))
        self.join16 = Join(128, CHANNELS[3], 64, 96)
        self.join8 = Join(96, CHANNELS[2], 48, 64)
        self.join4 = Join(64, CHANNELS[1], 32, 48)
        self.join2 = Join(48, CHANNELS[0], 16, 32)
        self.head = nn.Conv2d(32, KNOTS, 1)
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
        logits: Tensor = self.head(joined)
        return logits


class Style(NamedTuple):
    """How colours are chosen from their probabilities."""

    fairness: float
    """How far rare colours are favoured, beyond training, which does so by half: -0.5 takes that back."""
    worth: float
    """Of a colour's strength, in shares of an error of that length."""


def styled(logits: Tensor, frequencies: Tensor, style: Style) -> Tensor:
    """Return chroma [B, 2h, 2w, 2] of logits [B, KNOTS, h, w] and the training's frequencies [KNOTS]."""
    due = style.fairness * frequencies.clamp(min=RAREST).log().view(1, -1, 1, 1)
    chroma = best_bet(logits - due, style.worth)
    enlarged = functional.interpolate(chroma, scale_factor=2.0, mode="bilinear")
    return enlarged.permute(0, 2, 3, 1)


class Served(nn.Module):
    """The graph: uint8 pictures [B, H, W, 3] with R = G = B to chroma float32 [B, H, W, 2]."""

    def __init__(self, net: nn.Module, frequencies: Tensor, style: Style) -> None:
        super().__init__()
        self.net = Normalised(net)
        self.style = style
        self.register_buffer("frequencies", frequencies)

    def forward(self, pixels: Tensor) -> Tensor:
        """Run the net, paint, enlarge the chroma and bring the channels last."""
        return styled(self.net(pixels), self.frequencies, self.style)
