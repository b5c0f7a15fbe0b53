"""torchvision's ResNets as a classifier of crops is served."""

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


class ServedClassifier(nn.Module):
    """A classifier as it is served: `crops` uint8 RGB [B, height, width, 3] to probabilities [B, classes]."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1) * 255)

    def forward(self, crops: Tensor) -> Tensor:
        """Return softmax probabilities, float32 [B, classes]."""
        # The cast stands first: TensorRT takes bytes into nothing else.
        pixels = crops.float().permute(0, 3, 1, 2)
        return torch.softmax(self.net((pixels - self.mean) / self.deviation), dim=1)
