"""What decoders on the backbone are built of."""

from torch import Tensor, nn


def block(inward: int, outward: int) -> nn.Sequential:
    """Return a 1x1 convolution with batch norm and ReLU."""
    return _normalised(nn.Conv2d(inward, outward, 1, bias=False))


def depthwise(width: int) -> nn.Sequential:
    """Return a 3x3 convolution, each channel by itself, with batch norm and ReLU."""
    return _normalised(nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False))


def _normalised(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True))


def freeze_statistics(module: nn.Module) -> None:
    """Keep every batch norm at its pretrained statistics: batches here are too small for better ones."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


class Normalised(nn.Module):
    """A net on uint8 pictures [B, H, W, 3]: it brings them to the backbone's range and layout."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Run `net` on RGB [B, 3, H, W] of -1 to 1."""
        # The cast stands first: TensorRT takes bytes into nothing else.
        result: Tensor = self.net(pixels.float().permute(0, 3, 1, 2) / 127.5 - 1)
        return result
