"""Which net a checkpoint is, read from the names and shapes of its weights."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from export.errors import UnfitCheckpoint
from export.own.checkpoint import State, read_checkpoint, without_prefix

_CELL = 5
"""Outputs of an anchor beside the class scores: a box and its objectness."""
_RESNETS: dict[tuple[bool, tuple[int, ...]], str] = {
    (False, (2, 2, 2, 2)): "ResNet-18",
    (False, (3, 4, 6, 3)): "ResNet-34",
    (True, (3, 4, 6, 3)): "ResNet-50",
}
"""By whether its blocks are bottlenecks, and their numbers."""


class YoloPlan(msgspec.Struct, frozen=True):
    """A YOLOv5 of release 6.0 or later: what its channels and repeats are multiplied by, and its head."""

    width: float
    depth: float
    classes: int
    anchors: int
    """On each of its three maps."""


class ResnetPlan(msgspec.Struct, frozen=True):
    """One of torchvision's ResNets."""

    name: str
    classes: int


def read_detector(path: Path) -> tuple[YoloPlan, State, tuple[str, ...]]:
    """Return a detector's plan, weights and class names; raises UnfitCheckpoint, OSError."""
    checkpoint = read_checkpoint(path)
    with _told(path, checkpoint.state, "YOLOv5 detector of release 6.0 or later"):
        state = without_prefix(checkpoint.state, "model.0.conv.weight")
        return yolo_plan(state), state, checkpoint.names


def read_classifier(path: Path) -> tuple[ResnetPlan, State]:
    """Return a classifier's plan and weights; raises UnfitCheckpoint, OSError."""
    checkpoint = read_checkpoint(path)
    with _told(path, checkpoint.state, "ResNet in torchvision's layout"):
        state = without_prefix(checkpoint.state, "conv1.weight")
        return resnet_plan(state), state


def yolo_plan(state: State) -> YoloPlan:
    """Return the plan of a YOLOv5. Raises UnfitCheckpoint, KeyError or ValueError where it is none."""
    width = state["model.0.conv.weight"].shape[0] / 64
    if "model.0.bn.weight" not in state:
        raise UnfitCheckpoint("its normalisations are folded in; give the checkpoint that the training wrote")
    if "model.33.anchors" in state:
        raise UnfitCheckpoint("it detects on four maps (P6); a YOLOv5 of three is needed")
    _, anchors, _ = state["model.24.anchors"].shape
    outputs = state["model.24.m.0.weight"].shape[0] // anchors
    repeats = _count(state, r"model\.6\.m\.(\d+)\.")
    return YoloPlan(width=width, depth=repeats / 9, classes=outputs - _CELL, anchors=anchors)


def resnet_plan(state: State) -> ResnetPlan:
    """Return the plan of a ResNet. Raises UnfitCheckpoint, KeyError or ValueError where it is none."""
    classes, _ = state["fc.weight"].shape
    blocks = tuple(_count(state, rf"layer{layer}\.(\d+)\.") for layer in (1, 2, 3, 4))
    name = _RESNETS.get(("layer1.0.conv3.weight" in state, blocks))
    if name is None:
        raise UnfitCheckpoint(f"a ResNet of {blocks} blocks; {', '.join(_RESNETS.values())} can be used")
    return ResnetPlan(name, classes)


@contextmanager
def _told(path: Path, weights: State, wanted: str) -> Iterator[None]:
    """Tell every fault with the file's name; a missing weight or strange shape means another kind of net."""
    try:
        yield
    except UnfitCheckpoint as error:
        raise UnfitCheckpoint(f"{path.name}: {error}") from None
    except (KeyError, ValueError, ZeroDivisionError):
        some = ", ".join(list(weights)[:3])
        raise UnfitCheckpoint(f"{path.name}: no {wanted}; its weights are {some} ...") from None


def _count(state: State, pattern: str) -> int:
    """Return how many numbers the names that begin so have in the pattern's group."""
    return len({found[1] for name in state if (found := re.match(pattern, name))})
