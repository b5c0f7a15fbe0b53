"""torchvision's DeepLab V3 as it is served: probabilities on the net's own grid of cells of 8 pixels.

Source: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017, as torchvision
builds and names it. torchvision enlarges the logits to the input's size; the service enlarges the
probabilities to the picture's.
"""

import torch
from torch import Tensor, nn
from torchvision.models.segmentation import deeplabv3_resnet50

from export.torch_nets.resnet import Normalisation

STRIDE = 8


def deeplab(classes: int) -> nn.Module:
    """Return DeepLab V3 over ResNet-50 as its checkpoint was saved: with the head that only training used."""
    return deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=classes, aux_loss=True)


class ServedSegmentation(nn.Module):
    """uint8 RGB [B, side, side, 3] to class probabilities, float32 [B, side / 8, side / 8, classes].

    The head of training is left out.
    """

    def __init__(self, net: nn.Module, side: int) -> None:
        super().__init__()
        self.normalisation = Normalisation()
        self.backbone = net.backbone
        pyramid = net.classifier[0]
        self.branches = pyramid.convs[:-1]
        self.whole = nn.Sequential(*pyramid.convs[-1])
        self.join = pyramid.project
        self.head = nn.Sequential(*list(net.classifier)[1:])
        self.grid = side // STRIDE

    def forward(self, pixels: Tensor) -> Tensor:
        """Return softmax probabilities of every cell of the grid."""
        features = self.backbone(self.normalisation(pixels))["out"]
        # torchvision enlarges this branch's one cell bilinearly to a size that it asks the features for.
        # Repeating it gives the same with constants alone.
        whole = nn.functional.interpolate(self.whole(features), scale_factor=float(self.grid), mode="nearest")
        joined = self.join(torch.cat([*(branch(features) for branch in self.branches), whole], dim=1))
        return torch.softmax(self.head(joined), dim=1).permute(0, 2, 3, 1)
