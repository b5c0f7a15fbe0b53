"""Luma, chroma and RGB of 0 to 255, channels second, as in JPEG."""

import torch
from torch import Tensor

FROM_CHROMA = ((0.0, 1.402), (-0.344136, -0.714136), (1.772, 0.0))
"""What (Cb, Cr) adds to the luma in R, G and B (BT.601, full range, as in JPEG)."""
LUMA = (0.299, 0.587, 0.114)
CHROMA = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Cb and Cr of R, G and B, around 0."""


def luma(rgb: Tensor) -> Tensor:
    """Return luma [B, 1, H, W] of RGB [B, 3, H, W]."""
    return mixed(rgb, (LUMA,))


def coloured(luma: Tensor, chroma: Tensor) -> Tensor:
    """Return RGB of luma [B, 1, H, W] and chroma [B, 2, H, W], clipped to 0 to 255."""
    return (luma + mixed(chroma, FROM_CHROMA)).clamp(0, 255)


def mixed(channels: Tensor, weights: tuple[tuple[float, ...], ...]) -> Tensor:
    """Return linear mixes of channels [B, C, H, W], one for each row of `weights`."""
    rows = torch.tensor(weights, dtype=channels.dtype, device=channels.device)
    return torch.einsum("bchw,dc->bdhw", channels, rows)
