"""Where the weights are in a checkpoint, and which net they are."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from export.errors import UnfitCheckpoint
from export.own import checkpoint as module
from export.own.checkpoint import State, read_checkpoint, without_prefix
from export.own.plans import ResnetPlan, YoloPlan, read_classifier, read_detector
from export.own.unpickler import Inert

ONE, TWO = np.ones(3), np.zeros((2, 2))
FILE = Path("best.pt")


def inert(**attributes: object) -> Inert:
    stand_in = Inert()
    stand_in.attributes.update(attributes)
    return stand_in


def net(names: object = None) -> Inert:
    inner = inert(_parameters={"weight": ONE, "bias": None}, _buffers={"mean": TWO}, _modules={})
    return inert(_parameters={}, _buffers={}, _modules={"0": inner, "1": None}, names=names)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the next file holds."""
    content: list[object] = []
    monkeypatch.setattr(module, "read_pickled", lambda path: content[0])
    return content


STATE: State = {"0.weight": ONE, "0.mean": TWO}


@pytest.mark.parametrize(
    "content",
    [
        net(),
        OrderedDict(STATE, version="1"),
        {"model": net(), "epoch": 1},
        {"model": None, "ema": net()},
        {"model": inert(_modules={}), "ema": net()},
        {"state_dict": dict(STATE), "best": 0.5},
        {"model_state_dict": dict(STATE)},
        {"model": dict(STATE)},
    ],
)
def test_weights_are_found_whichever_way_they_were_saved(found: list[object], content: object) -> None:
    found.append(content)
    assert read_checkpoint(FILE).state == STATE


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({0: "bottle", 1: "can"}, ("bottle", "can")),
        (["0", "1"], ("0", "1")),
        (["same", "same"], ()),
        (None, ()),
    ],
)
def test_class_names(found: list[object], names: object, expected: tuple[str, ...]) -> None:
    found.append({"model": net(names)})
    assert read_checkpoint(FILE).names == expected


def cycle() -> Inert:
    stand_in = inert()
    stand_in.attributes["_modules"] = {"again": stand_in}
    return stand_in


@pytest.mark.parametrize(
    "content", [3, {}, {"epoch": 1}, [ONE], inert(), inert(_modules=4), inert(_modules={"0": 4}), cycle()]
)
def test_a_file_without_weights_is_told(found: list[object], content: object) -> None:
    found.append(content)
    with pytest.raises(UnfitCheckpoint, match=r"^best\.pt: holds no weights"):
        read_checkpoint(FILE)


def test_a_wrappers_prefix_is_taken_off() -> None:
    state = {"module.conv1.weight": ONE, "module.layer1.0.conv1.weight": TWO, "other": TWO}
    assert without_prefix(state, "conv1.weight") == {"conv1.weight": ONE, "layer1.0.conv1.weight": TWO}
    assert without_prefix({"conv1.weight": ONE}, "conv1.weight") == {"conv1.weight": ONE}
    assert without_prefix({"myconv1.weight": ONE}, "conv1.weight") == {}


def shaped(**shapes: tuple[int, ...]) -> State:
    """Weights of those shapes that take no memory; `__` stands for a dot."""
    return {name.replace("__", "."): np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


def yolo(channels: int, repeats: int, classes: int, anchors: int = 3) -> State:
    state = shaped(
        model__0__conv__weight=(channels, 3, 6, 6),
        model__0__bn__weight=(channels,),
        model__24__anchors=(3, anchors, 2),
        model__24__m__0__weight=(anchors * (5 + classes), channels * 4, 1, 1),
    )
    return state | {f"model.6.m.{index}.cv1.conv.weight": ONE for index in range(repeats)}


@pytest.mark.parametrize(
    ("channels", "repeats", "width", "depth"),
    [
        (16, 3, 0.25, 1 / 3),
        (32, 3, 0.5, 1 / 3),
        (48, 6, 0.75, 2 / 3),
        (64, 9, 1.0, 1.0),
        (80, 12, 1.25, 4 / 3),
    ],
)
def test_every_published_size_is_told_by_its_shapes(
    found: list[object], channels: int, repeats: int, width: float, depth: float
) -> None:
    found.append({"model": yolo(channels, repeats, classes=80)})
    plan, state, _ = read_detector(FILE)
    assert plan == YoloPlan(width=width, depth=depth, classes=80, anchors=3)
    assert len(state) == 4 + repeats


def test_a_detectors_own_classes_and_anchors(found: list[object]) -> None:
    found.append({f"module.{name}": array for name, array in yolo(16, 3, classes=2, anchors=5).items()})
    plan, state, _ = read_detector(FILE)
    assert (plan.classes, plan.anchors) == (2, 5)
    assert "model.24.anchors" in state


def without(state: State, *names: str) -> State:
    return {name: array for name, array in state.items() if name not in names}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (shaped(model__0__conv__conv__weight=(32, 12, 3, 3)), r"no YOLOv5 detector of release 6\.0 or later"),
        (shaped(conv1__weight=(64, 3, 7, 7)), "no YOLOv5 detector"),
        (without(yolo(16, 3, 1), "model.24.anchors"), "no YOLOv5 detector"),
        (without(yolo(16, 3, 1), "model.0.bn.weight"), "folded in"),
        (yolo(16, 3, 1) | shaped(model__33__anchors=(4, 3, 2)), "P6"),
        (yolo(16, 3, 1) | shaped(model__24__anchors=(3, 0, 2)), "no YOLOv5 detector"),
        (yolo(16, 3, 1) | shaped(model__24__anchors=(3,)), "no YOLOv5 detector"),
    ],
)
def test_another_detector_is_told_in_a_line(found: list[object], content: State, told: str) -> None:
    found.append(content)
    with pytest.raises(UnfitCheckpoint, match=rf"^best\.pt: .*{told}") as caught:
        read_detector(FILE)
    assert "\n" not in str(caught.value)


def resnet(*blocks: int, bottleneck: bool, classes: int = 171) -> State:
    last = "conv3" if bottleneck else "conv2"
    state = shaped(conv1__weight=(64, 3, 7, 7), fc__weight=(classes, 512))
    return state | {
        f"layer{layer}.{index}.{name}.weight": ONE
        for layer, count in enumerate(blocks, start=1)
        for index in range(count)
        for name in ("conv1", last)
    }


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (resnet(2, 2, 2, 2, bottleneck=False), "ResNet-18"),
        (resnet(3, 4, 6, 3, bottleneck=False), "ResNet-34"),
        (resnet(3, 4, 6, 3, bottleneck=True), "ResNet-50"),
    ],
)
def test_every_resnet_is_told_by_its_blocks(found: list[object], state: State, name: str) -> None:
    found.append({"state_dict": {f"module.{key}": array for key, array in state.items()}})
    plan, read = read_classifier(FILE)
    assert plan == ResnetPlan(name, 171)
    assert read.keys() == state.keys()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (resnet(3, 4, 23, 3, bottleneck=True), r"a ResNet of \(3, 4, 23, 3\) blocks; ResNet-18, "),
        (without(resnet(2, 2, 2, 2, bottleneck=False), "fc.weight"), "no ResNet in torchvision's layout"),
        (yolo(16, 3, 1), "no ResNet in torchvision's layout; its weights are model.0.conv.weight"),
    ],
)
def test_another_classifier_is_told_in_a_line(found: list[object], content: State, told: str) -> None:
    found.append(content)
    with pytest.raises(UnfitCheckpoint, match=rf"^best\.pt: .*{told}"):
        read_classifier(FILE)
