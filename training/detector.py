"""The served detector, SSD on MobileNetV2 trained on COCO, as a torch module to build upon.

Its weights are read from the exported `object_detection_net` (`make export`). COCO has all of Pascal VOC's
classes, so its features know them, and so do its scores and boxes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

from evaluation.things import VOC_OF_COCO
from export.convert.coco import COCO_CLASSES
from export.convert.object_detection import COLUMNS, LAYERS, SIZE, anchor_layers, anchors
from export.paths import PROJECT
from vision.manifest import NET_VERSION, ONNX_FILE

NET = "object_detection_net"
VOC_COLUMNS = tuple(
    sorted(
        (one for one, name in COCO_CLASSES.items() if name in VOC_OF_COCO),
        key=lambda one: VOC_OF_COCO[COCO_CLASSES[one]],
    )
)
"""COCO's category ids of Pascal VOC's classes 1 to 20: columns of the detector's class scores."""
FINE, MIDDLE, DEEP, LAST = 32, 96, 320, 1280
"""Channels of the features at strides 8, 16 and 32, and of the last layer on these."""
_CHANNELS = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
_HALVING = (1, 3, 6, 13)
"""MobileNetV2's blocks: what they give, and which of them halve the sides."""
_FINE_BLOCKS, _MIDDLE_BLOCKS = 6, 13
_EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))
_SHAPES = tuple(len(layer.shapes) for layer in LAYERS)
_CENTRE_SCALE, _SIZE_SCALE = 10.0, 5.0


class Convolution(nn.Module):
    """A convolution with TensorFlow's padding, its batch norm folded into it, and a ReLU6 if asked for."""

    def __init__(
        self, inward: int, outward: int, kernel: int = 1, stride: int = 1, *, linear: bool = False
    ) -> None:
        super().__init__()
        groups = inward if kernel == 3 and inward == outward else 1
        padding = kernel // 2 if stride == 1 else 0
        self.convolution = nn.Conv2d(inward, outward, kernel, stride, padding, groups=groups)
        self._linear = linear

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps."""
        if self.convolution.kernel_size == (3, 3) and self.convolution.padding == (0, 0):
            maps = pad(maps, (0, 1, 0, 1))
        result: Tensor = self.convolution(maps)
        return result if self._linear else relu6(result)


class InvertedBottleneck(nn.Module):
    """MobileNetV2's block."""

    def __init__(self, inward: int, outward: int, stride: int, expansion: int = 6) -> None:
        super().__init__()
        width = inward * expansion
        first = [Convolution(inward, width)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *first, Convolution(width, width, 3, stride), Convolution(width, outward, linear=True)
        )
        self._is_residual = inward == outward and stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps."""
        result: Tensor = self.layers(maps)
        return maps + result if self._is_residual else result


def _blocks(first: int, stop: int) -> nn.Sequential:
    inward = (32, *_CHANNELS)
    return nn.Sequential(
        *(
            InvertedBottleneck(inward[one], _CHANNELS[one], 2 if one in _HALVING else 1, 6 if one else 1)
            for one in range(first, stop)
        )
    )


def deep_blocks() -> nn.Sequential:
    """Return the blocks of stride 32, untrained: `MIDDLE` channels at stride 16 to `DEEP`."""
    return _blocks(_MIDDLE_BLOCKS, len(_CHANNELS))


class Found(NamedTuple):
    """What the detector says of a picture, for each of its anchors."""

    scores: Tensor
    """[B, anchors, 20], of Pascal VOC's classes 1 to 20."""
    boxes: Tensor
    """[B, anchors, 4]: top, left, bottom, right in sides of the picture."""
    middle_logits: Tensor
    """[B, 60, H / 16, W / 16]: the scores' logits on the two finest grids."""
    deep_logits: Tensor
    """[B, 120, H / 32, W / 32]."""


class Detector(nn.Module):
    """RGB [B, 3, side, side] of -1 to 1 to features and detections; untrained, and not to be trained.

    `side` is a multiple of 32, for which anchors keep the size in pixels that they have in a picture of 300.
    """

    anchors: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 3, 2)
        self.fine = _blocks(0, _FINE_BLOCKS)
        self.middle = _blocks(_FINE_BLOCKS, _MIDDLE_BLOCKS)
        self.deep = deep_blocks()
        self.last = Convolution(DEEP, LAST)
        widths = (LAST, *(outward for _, outward in _EXTRAS))
        self.extras = nn.ModuleList(
            nn.Sequential(
                Convolution(wide, narrow), Convolution(narrow, narrow, 3, 2), Convolution(narrow, outward)
            )
            for wide, (narrow, outward) in zip(widths, _EXTRAS, strict=False)
        )
        pairs = list(zip((MIDDLE * 6, *widths), _SHAPES, strict=True))
        self.score = nn.ModuleList(
            Convolution(width, n * len(VOC_COLUMNS), 3, linear=True) for width, n in pairs
        )
        self.place = nn.ModuleList(Convolution(width, n * 4, 3, linear=True) for width, n in pairs)
        self.register_buffer("anchors", torch.from_numpy(_anchors_of(side)))
        _load(self)
        self.eval().requires_grad_(False)

    def features(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps of strides 8, 16 and 32, of `FINE`, `MIDDLE` and `DEEP` channels."""
        fine = self.fine(self.stem(pictures))
        middle = self.middle(fine)
        return fine, middle, self.deep(middle)

    def detections(self, middle: Tensor, deep: Tensor) -> Found:
        """Return what is found by the features of strides 16 and 32."""
        maps = [self.deep[0].layers[0](middle), self.last(deep)]
        for extra in self.extras:
            maps.append(extra(maps[-1]))
        logits = [score(one) for score, one in zip(self.score, maps, strict=True)]
        codes = [place(one) for place, one in zip(self.place, maps, strict=True)]
        return Found(
            torch.sigmoid(_rows(logits, len(VOC_COLUMNS))),
            self._decoded(_rows(codes, 4)),
            logits[0],
            logits[1],
        )

    def _decoded(self, codes: Tensor) -> Tensor:
        centres, sizes = self.anchors[:, :2], self.anchors[:, 2:]
        middles = codes[..., :2] / _CENTRE_SCALE * sizes + centres
        halves = torch.exp(codes[..., 2:] / _SIZE_SCALE) * sizes / 2
        return torch.cat([middles - halves, middles + halves], dim=2)


def _rows(maps: list[Tensor], columns: int) -> Tensor:
    """Return [B, anchors, columns] of maps [B, shapes * columns, h, w]."""
    return torch.cat([one.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, columns)) for one in maps], dim=1)


def _anchors_of(side: int) -> NDArray[np.float32]:
    """Return the anchors: as large, and as far from the upper left corner, as in a picture of `SIZE`."""
    cells = [-(-side // 16)]
    while len(cells) < len(LAYERS):
        cells.append(-(-cells[-1] // 2))
    ours = anchors(anchor_layers(cells, min_scale=0.2, max_scale=0.95))
    ours *= SIZE / side
    first = cells[0] ** 2 * _SHAPES[0]
    ours[:first, :2] *= cells[0] / LAYERS[0].cells
    return ours


class _Stored(NamedTuple):
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    padding: int
    """Pixels before the first."""


def _load(detector: Detector) -> None:
    """Take the weights, in the order in which the graph computes, from the exported net."""
    model = onnx.load(PROJECT / "model_repository" / NET / NET_VERSION / ONNX_FILE)
    stored = dict(_folded(model))
    layers = [one for name, one in detector.named_modules() if _is_feature(name, one)]
    features = [pair for name, pair in stored.items() if not name.startswith("BoxPredictor")]
    for layer, pair in zip(layers, features, strict=True):
        _fill(layer, *pair)
    for level, (score, place) in enumerate(zip(detector.score, detector.place, strict=True)):
        _fill(place.convolution, *stored[f"BoxPredictor_{level}/BoxEncodingPredictor/BiasAdd"])
        of_scores = stored[f"BoxPredictor_{level}/ClassPredictor/BiasAdd"]
        _fill(score.convolution, _of_voc(of_scores.weights), _of_voc(of_scores.bias), of_scores.padding)


def _is_feature(name: str, module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and not name.startswith(("score", "place"))


def _of_voc(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows of VOC's classes, anchor by anchor."""
    rows = values.reshape(-1, COLUMNS, *values.shape[1:])[:, VOC_COLUMNS]
    return np.ascontiguousarray(rows.reshape(-1, *values.shape[1:]))


def _fill(layer: nn.Conv2d, weights: NDArray[np.float32], bias: NDArray[np.float32], first: int) -> None:
    """Give a layer its weights, and `first` pixels of padding before the first; behind the last is one."""
    assert layer.bias is not None
    layer.padding = (first, first)
    assert layer.weight.shape == weights.shape
    layer.weight.data = torch.from_numpy(weights.copy())
    layer.bias.data = torch.from_numpy(bias.copy())


def _folded(model: onnx.ModelProto) -> Iterator[tuple[str, _Stored]]:
    """Yield each convolution's name, and its weights with the scale and shift that follow it."""
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    readers = {name: node for node in model.graph.node for name in node.input}
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        weights = constants[node.input[1]]
        bias = constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights), np.float32)
        following = readers.get(node.output[0])
        while (
            following is not None and following.op_type in {"Mul", "Add"} and following.input[1] in constants
        ):
            factor = constants[following.input[1]].ravel()
            if following.op_type == "Mul":
                weights, bias = weights * factor[:, None, None, None], bias * factor
            else:
                bias = bias + factor
            following = readers.get(following.output[0])
        (pads,) = (one.ints for one in node.attribute if one.name == "pads")
        yield node.name, _Stored(weights, bias, pads[0])
