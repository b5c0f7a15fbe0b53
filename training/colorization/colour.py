"""Colour spaces on RGB of 0 to 255 with channels second: luma and chroma as in JPEG, and CIE Lab."""

import torch
from torch import Tensor

FROM_CHROMA = ((0.0, 1.402), (-0.344136, -0.714136), (1.772, 0.0))
"""What (Cb, Cr) adds to the luma in R, G and B (BT.601, full range, as in JPEG)."""
LUMA = (0.299, 0.587, 0.114)
CHROMA = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Cb and Cr of R, G and B, around 0."""
TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (0.950456, 1.0, 1.088754)
"""D65."""


def luma(rgb: Tensor) -> Tensor:
    """Return luma [B, 1, H, W] of RGB [B, 3, H, W]."""
    return mixed(rgb, (LUMA,))


def coloured(luma: Tensor, chroma: Tensor) -> Tensor:
    """Return RGB of luma [B, 1, H, W] and chroma [B, 2, H, W], clipped to 0 to 255."""
    return (luma + mixed(chroma, FROM_CHROMA)).clamp(0, 255)


def lab_colour(rgb: Tensor) -> Tensor:
    """Return a and b of CIE Lab, [B, 2, H, W]."""
    unit = rgb / 255
    linear = torch.where(unit > 0.04045, ((unit.clamp(min=0.04) + 0.055) / 1.055) ** 2.4, unit / 12.92)
    relative = mixed(linear, TO_XYZ) / rgb.new_tensor(WHITE).view(1, 3, 1, 1)
    x, y, z = torch.where(
        relative > 0.008856, relative.clamp(min=0.008) ** (1 / 3), 7.787 * relative + 16 / 116
    ).unbind(1)
    return torch.stack([500 * (x - y), 200 * (y - z)], 1)


def mixed(channels: Tensor, weights: tuple[tuple[float, ...], ...]) -> Tensor:
    """Return linear mixes of channels [B, C, H, W], one for each row of `weights`."""
    rows = torch.tensor(weights, dtype=channels.dtype, device=channels.device)
    return torch.einsum("bchw,dc->bdhw", channels, rows)
