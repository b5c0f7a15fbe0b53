"""DeOldify's artistic generator, under the names that its checkpoint carries.

Sources: jantic/DeOldify (`deoldify/unet.py`: `DynamicUnetDeep` with `nf_factor` 1.5; MIT) and the layers of
fastai 1.0.51 (`fastai/layers.py`; Apache-2.0), with which it was trained. The code is our own. A state dict
of `ColorizeArtistic_gen.pth` loads with `strict=True`; `folded` then leaves plain convolutions.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet34

from export.torch_nets.resnet import Normalisation

CHROMA = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Cb and Cr of R, G and B, around 0 (BT.601, full range, as in JPEG)."""
_REACH = 127.0
"""The largest chroma that a byte around 128 holds."""

_SKIPS = {6: 256, 5: 128, 4: 64, 2: 64}
"""The encoder's stages that the decoder looks back at, the deepest first, by their channels."""
_ATTENTIVE = 5
"""The stage beside which the decoder attends to itself."""
_DEEPEST = 512
_WIDENED = 1.5
"""What the widths of the decoder's blocks are multiplied by."""
_RANGE = 3.0
"""Colours are given within so many deviations of ImageNet's mean."""
_ATTENTION_SHARE = 8
"""One of so many channels is compared."""


class _Reparametrised(nn.Module, ABC):
    """A convolution of stride 1 that keeps the size, whose kernel is computed from what training learnt."""

    bias: Tensor | None

    def __init__(self, outputs: int, bias: bool) -> None:
        super().__init__()
        self.register_parameter("bias", nn.Parameter(torch.zeros(outputs)) if bias else None)

    @abstractmethod
    def weight(self) -> Tensor:
        """Return the kernel, float [outputs, inputs, rows, columns]."""

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, outputs, height, width]."""
        weight = self.weight()
        return functional.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)

    def plain(self) -> nn.Conv2d:
        """Return a convolution of the kernel as it is now."""
        weight = self.weight()
        outputs, inputs, side, _ = weight.shape
        plain = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=self.bias is not None)
        plain.weight, plain.bias = nn.Parameter(weight), self.bias
        return plain


class SpectralConv(_Reparametrised):
    """A kernel divided by its largest singular value (Miyato et al., 2018).

    Training estimated that value's two singular vectors, `weight_u` and `weight_v`, and the published net is
    of what they say, as in PyTorch's evaluation mode. `axes` is 1 for the kernels of a flattened picture.
    """

    weight_u: Tensor
    weight_v: Tensor

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, bias: bool = False, axes: int = 2
    ) -> None:
        super().__init__(outputs, bias)
        self.square = (kernel, kernel)
        self.weight_orig = nn.Parameter(torch.ones(outputs, inputs, *self.square[:axes]))
        self.register_buffer("weight_u", torch.ones(outputs))
        self.register_buffer("weight_v", torch.ones(inputs * kernel**axes))

    def weight(self) -> Tensor:
        """Return the kernel, float [outputs, inputs, rows, columns]."""
        largest = torch.dot(self.weight_u, self.weight_orig.flatten(1) @ self.weight_v)
        return (self.weight_orig / largest).reshape(*self.weight_orig.shape[:2], *self.square)


class WeightNormConv(_Reparametrised):
    """A 1 x 1 kernel in the direction of `weight_v` and of the length `weight_g`, for each output."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(outputs, bias=True)
        self.weight_g = nn.Parameter(torch.ones(outputs, 1, 1, 1))
        self.weight_v = nn.Parameter(torch.ones(outputs, inputs, 1, 1))

    def weight(self) -> Tensor:
        """Return the kernel, float [outputs, inputs, 1, 1]."""
        return self.weight_v * (self.weight_g / self.weight_v.norm(dim=1, keepdim=True))


class SelfAttention(nn.Module):
    """Every pixel plus a mean of all pixels' values, weighted by how they compare (Zhang et al., 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        compared = channels // _ATTENTION_SHARE
        self.query = SpectralConv(channels, compared, axes=1)
        self.key = SpectralConv(channels, compared, axes=1)
        self.value = SpectralConv(channels, channels, axes=1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        query, key, value = (part(x).flatten(2) for part in (self.query, self.key, self.value))
        shares = torch.softmax(query.transpose(1, 2) @ key, dim=1)
        return x + self.gamma * (value @ shares).reshape(x.shape)


class Shuffle(nn.Module):
    """A picture of twice the side from four channels each, blurred over 2 x 2 pixels against a grid's traces.

    fastai 1.0.51 blurs whether it is asked to or not; its later releases, and ports of them, leave it out
    after the last block, and show that grid.
    """

    def __init__(self, *convolution: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Sequential(*convolution)

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, channels / 4, 2 height, 2 width]."""
        enlarged = functional.pixel_shuffle(functional.relu(self.conv(x)), 2)
        # The first row and column stand twice: as padding, in the form that every runtime has.
        enlarged = torch.cat((enlarged[:, :, :1], enlarged), dim=2)
        enlarged = torch.cat((enlarged[..., :1], enlarged), dim=3)
        return functional.avg_pool2d(enlarged, 2, stride=1)


class UnetBlock(nn.Module):
    """Deeper features enlarged, beside the encoder's of that size, through two convolutions."""

    def __init__(self, deeper: int, skipped: int, outputs: int, attentive: bool) -> None:
        super().__init__()
        joined = deeper // 2 + skipped
        self.shuf = Shuffle(SpectralConv(deeper, 2 * deeper), nn.BatchNorm2d(2 * deeper))
        self.bn = nn.BatchNorm2d(skipped)
        attention = (SelfAttention(outputs),) if attentive else ()
        self.conv1 = nn.Sequential(*_normalised(joined, outputs))
        self.conv2 = nn.Sequential(*_normalised(outputs, outputs), *attention)

    def forward(self, deeper: Tensor, skipped: Tensor) -> Tensor:
        """Return features of the size of `skipped`."""
        joined = torch.cat((self.shuf(deeper), self.bn(skipped)), dim=1)
        return self.conv2(self.conv1(functional.relu(joined)))


class Residual(nn.Module):
    """Two convolutions around which the input goes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(SpectralConv(channels, channels, 3, bias=True), nn.ReLU()) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        first, second = self.layers
        return x + second(first(x))


class DeOldify(nn.Module):
    """The generator: a grey picture to a coloured one, both in deviations from ImageNet's mean."""

    def __init__(self) -> None:
        super().__init__()
        encoder = nn.Sequential(*list(resnet34().children())[:-2])
        middle = nn.Sequential(
            nn.Sequential(*_normalised(_DEEPEST, 2 * _DEEPEST)),
            nn.Sequential(*_normalised(2 * _DEEPEST, _DEEPEST)),
        )
        decoder = _decoder()
        width = decoder[-1].conv2[0].weight_orig.shape[0]
        self.layers = nn.ModuleList(
            [
                encoder,
                nn.BatchNorm2d(_DEEPEST),
                nn.ReLU(),
                middle,
                *decoder,
                Shuffle(WeightNormConv(width, 4 * width)),
                nn.Identity(),  # where the picture itself is put beside
                Residual(width + 3),
                nn.Sequential(SpectralConv(width + 3, 3, bias=True)),
            ]
        )

    def forward(self, grey: Tensor) -> Tensor:
        """Return float [B, 3, height, width] of -3 to 3.

        `grey` is of that shape. Its sides are multiples of 32: what is enlarged then has the size of what it
        is put beside, and the published net's cut to it has nothing to do.
        """
        encoder, norm, relu, middle, *decoder, shuffle, _, residual, last = self.layers
        x, skips = grey, dict[int, Tensor]()
        for index, stage in enumerate(encoder):
            x = stage(x)
            skips[index] = x
        x = middle(relu(norm(x)))
        for block, index in zip(decoder, _SKIPS, strict=True):
            x = block(x, skips[index])
        x = torch.cat((shuffle(x), grey), dim=1)
        return torch.sigmoid(last(residual(x))) * (2 * _RANGE) - _RANGE


class ServedDeOldify(nn.Module):
    """The net as it is served: uint8 [B, height, width, 3] with R = G = B to the chroma of the colours.

    As in DeOldify's own pipeline nothing but the chroma is taken from the net. Its luma there, of OpenCV's
    YUV with red and blue exchanged, does not matter here: chroma is the same whatever grey is added.
    """

    chroma: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.normalisation = Normalisation()
        self.net = net
        self.register_buffer("chroma", torch.tensor(CHROMA)[..., None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        """Return `chroma` float32 [B, height, width, 2]: Cb and Cr of JPEG around 0, -128 to 127."""
        colours = self.net(self.normalisation(pixels))
        rgb = (colours * self.normalisation.deviation + self.normalisation.mean).clamp(0, 255)
        return functional.conv2d(rgb, self.chroma).clamp(max=_REACH).permute(0, 2, 3, 1)


def folded(net: nn.Module) -> nn.Module:
    """Put a plain convolution in place of every one whose kernel is computed, and return the net, changed."""
    for name, part in net.named_children():
        setattr(net, name, part.plain() if isinstance(part, _Reparametrised) else folded(part))
    return net


def _normalised(inputs: int, outputs: int) -> Sequence[nn.Module]:
    """Return a 3 x 3 convolution, ReLU and the normalisation, in fastai's order."""
    return SpectralConv(inputs, outputs, 3), nn.ReLU(), nn.BatchNorm2d(outputs)


def _decoder() -> list[UnetBlock]:
    blocks, deeper = list[UnetBlock](), _DEEPEST
    for index, skipped in _SKIPS.items():
        joined = deeper // 2 + skipped
        last = index == min(_SKIPS)
        outputs = int((joined // 2 if last else joined) * _WIDENED)
        blocks.append(UnetBlock(deeper, skipped, outputs, attentive=index == _ATTENTIVE))
        deeper = outputs
    return blocks
