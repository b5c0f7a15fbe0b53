"""YOLOv5 of release 6.0 and later, under the names that its checkpoints carry.

Source: Ultralytics' YOLOv5 7.0: the layers, multiples and anchors of `models/yolov5n.yaml` to `yolov5x.yaml`,
the padding and normalisation of its convolutions, and the decoded output of its ONNX export. A state dict of
a published or a user's checkpoint loads with `strict=True`; its anchors come with it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
"""Letterbox pixels a cell of each of the three maps."""

Anchors = Sequence[Sequence[tuple[float, float]]]
"""For each of the three maps, the (width, height) of its anchors in letterbox pixels."""

PUBLISHED_ANCHORS: Anchors = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


class Size(NamedTuple):
    """What the published channel counts and repeats are multiplied by."""

    width: float
    depth: float


SIZES = {
    "n": Size(0.25, 0.33),
    "s": Size(0.50, 0.33),
    "m": Size(0.75, 0.67),
    "l": Size(1.00, 1.00),
    "x": Size(1.25, 1.33),
}

_JOINED_WITH = {12: 6, 16: 4, 19: 14, 22: 10}
"""Layer: the earlier layer whose output is put behind the last one's channels."""
_DETECTED_ON = (17, 20, 23)


class Conv(nn.Module):
    """Convolution, normalisation and SiLU; the padding keeps the size but for the stride."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, padding: int | None = None
    ) -> None:
        super().__init__()
        padding = kernel // 2 if padding is None else padding
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, outputs, h / stride, w / stride]."""
        result: Tensor = self.act(self.bn(self.conv(x)))
        return result


class Bottleneck(nn.Module):
    """A 1 x 1 and a 3 x 3 convolution, around which the input goes where `shortcut` is set."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.cv1 = Conv(channels, channels)
        self.cv2 = Conv(channels, channels, 3)
        self._shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return as many channels of the same size."""
        y: Tensor = self.cv2(self.cv1(x))
        return x + y if self._shortcut else y


class C3(nn.Module):
    """Half of the channels through `repeats` bottlenecks, the other half past them."""

    def __init__(self, inputs: int, outputs: int, repeats: int, shortcut: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.cv1 = Conv(inputs, half)
        self.cv2 = Conv(inputs, half)
        self.cv3 = Conv(2 * half, outputs)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(repeats)))

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, outputs, h, w]."""
        y: Tensor = self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), dim=1))
        return y


class SPPF(nn.Module):
    """Maxima over windows of 5, 9 and 13 cells beside the cells themselves."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cv1 = Conv(channels, channels // 2)
        self.cv2 = Conv(channels // 2 * 4, channels)
        self.m = nn.MaxPool2d(kernel_size=5, stride=1, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return as many channels of the same size."""
        pyramid = [self.cv1(x)]
        for _ in range(3):
            pyramid.append(self.m(pyramid[-1]))
        y: Tensor = self.cv2(torch.cat(pyramid, dim=1))
        return y


class Detect(nn.Module):
    """The head: a 1 x 1 convolution on each of the three maps. `anchors` [3, anchors, 2] are in cells."""

    def __init__(self, classes: int, anchors: Anchors, channels: Sequence[int]) -> None:
        super().__init__()
        self.outputs = 5 + classes
        cells = torch.tensor(anchors, dtype=torch.float32) / torch.tensor(STRIDES).view(-1, 1, 1)
        self.register_buffer("anchors", cells)
        self.m = nn.ModuleList(nn.Conv2d(count, self.outputs * len(anchors[0]), 1) for count in channels)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return a map of logits, float [B, anchors, h, w, 5 + classes], of each of `features`."""
        raw = [layer(feature) for layer, feature in zip(self.m, features, strict=True)]
        return [one.unflatten(1, (-1, self.outputs)).permute(0, 1, 3, 4, 2).contiguous() for one in raw]


class YoloV5(nn.Module):
    """The net, from pixels to three maps of logits. `decode` makes boxes of them.

    `width` and `depth` are multiples as in `SIZES`.
    """

    def __init__(
        self, width: float, depth: float, classes: int, anchors: Anchors = PUBLISHED_ANCHORS
    ) -> None:
        super().__init__()
        self.model = nn.ModuleList(_layers(width, depth, classes, anchors))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return logits, float [B, anchors, h, w, 5 + classes] for each stride.

        `pixels` are float RGB [B, 3, height, width] of 0 to 1, the sides multiples of 32.
        """
        x, outputs = pixels, list[Tensor]()
        for index, layer in enumerate(self.model[:-1]):
            if index in _JOINED_WITH:
                x = torch.cat((x, outputs[_JOINED_WITH[index]]), dim=1)
            x = layer(x)
            outputs.append(x)
        maps: list[Tensor] = self.model[-1]([outputs[index] for index in _DETECTED_ON])
        return maps

    def decode(self, maps: Sequence[Tensor]) -> Tensor:
        """Return candidates, float [B, n, 5 + classes]: cx, cy, width, height, objectness, class scores.

        Boxes are in pixels of the net's input, scores 0 to 1. Order: map, anchor, row, column.
        """
        anchors = self.model[-1].anchors.unbind(0)
        levels = [_decoded(*level) for level in zip(maps, anchors, STRIDES, strict=True)]
        return torch.cat(levels, dim=1)


class ServedYoloV5(nn.Module):
    """The net as it is served: uint8 RGB [B, height, width, 3] to candidates as `decode` gives them."""

    def __init__(self, net: YoloV5) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Return candidates, float32 [B, n, 5 + classes]."""
        # The cast stands first: TensorRT takes bytes into nothing else.
        return self.net.decode(self.net(pixels.float().permute(0, 3, 1, 2) / 255))


def _decoded(logits: Tensor, anchors: Tensor, stride: int) -> Tensor:
    """Return the candidates of one map [B, anchors, h, w, outputs]; `anchors` [anchors, 2] are in cells."""
    rows, columns = logits.shape[2:4]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    corners = torch.stack((x, y), dim=2).to(logits) - 0.5
    values = logits.sigmoid()
    centres = (values[..., :2] * 2 + corners) * stride
    sizes = (values[..., 2:4] * 2) ** 2 * (anchors * stride)[:, None, None]
    return torch.cat((centres, sizes, values[..., 4:]), dim=4).flatten(1, 3)


def _layers(width: float, depth: float, classes: int, anchors: Anchors) -> list[nn.Module]:
    """Return the layers in the published order; what stands at a join only passes on what was joined."""
    c64, c128, c256, c512, c1024 = (math.ceil(c * width / 8) * 8 for c in (64, 128, 256, 512, 1024))
    r3, r6, r9 = (max(1, round(repeats * depth)) for repeats in (3, 6, 9))
    return [
        Conv(3, c64, 6, 2, padding=2),
        Conv(c64, c128, 3, 2),
        C3(c128, c128, r3),
        Conv(c128, c256, 3, 2),
        C3(c256, c256, r6),
        Conv(c256, c512, 3, 2),
        C3(c512, c512, r9),
        Conv(c512, c1024, 3, 2),
        C3(c1024, c1024, r3),
        SPPF(c1024),
        Conv(c1024, c512),
        nn.Upsample(scale_factor=2.0, mode="nearest"),
        nn.Identity(),
        C3(2 * c512, c512, r3, shortcut=False),
        Conv(c512, c256),
        nn.Upsample(scale_factor=2.0, mode="nearest"),
        nn.Identity(),
        C3(2 * c256, c256, r3, shortcut=False),
        Conv(c256, c256, 3, 2),
        nn.Identity(),
        C3(2 * c256, c512, r3, shortcut=False),
        Conv(c512, c512, 3, 2),
        nn.Identity(),
        C3(2 * c512, c1024, r3, shortcut=False),
        Detect(classes, anchors, (c256, c512, c1024)),
    ]
