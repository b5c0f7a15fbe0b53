"""torchvision's ResNets as they are served: as a classifier, and as features for comparing pictures."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet34, resnet50

RESNETS: dict[str, Callable[..., nn.Module]] = {
    "ResNet-18": resnet18,
    "ResNet-34": resnet34,
    "ResNet-50": resnet50,
}

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's RGB from 0 to 1: what torchvision's checkpoints and their descendants are fed with."""

_SMALLEST_NORM = 1e-12


class Normalisation(nn.Module):
    """Bytes as torchvision's nets are fed: uint8 RGB [B, height, width, 3] to float [B, 3, height, width]."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1) * 255)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return each channel less its mean, over its deviation."""
        # The cast stands first: TensorRT takes bytes into nothing else.
        planes = pixels.float().permute(0, 3, 1, 2)
        return (planes - self.mean) / self.deviation


class ServedClassifier(nn.Module):
    """A classifier as it is served: uint8 RGB [B, height, width, 3] to probabilities [B, classes]."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.normalisation = Normalisation()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Return softmax probabilities, float32 [B, classes]."""
        return torch.softmax(self.net(self.normalisation(pixels)), dim=1)


class ServedFeatures(nn.Module):
    """A ResNet without its classifier: uint8 RGB [B, height, width, 3] to features [B, channels].

    They are the activations that the classifier reads, at least 0, scaled to unit length. The ResNet loses
    its classifier.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.normalisation = Normalisation()
        self.net = net
        self.net.fc = nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        """Return unit vectors, float32 [B, channels]."""
        pooled = self.net(self.normalisation(pixels))
        return pooled / pooled.norm(dim=1, keepdim=True).clamp_min(_SMALLEST_NORM)
