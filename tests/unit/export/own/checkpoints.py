"""Checkpoints as trainings publish them, seeded and untrained. Runs in the training environment:

`.venv-training/bin/python -m tests.unit.export.own.checkpoints FOLDER`. It writes `detector.pt` (YOLOv5's own
layout: a dict of pickled modules whose classes live in `models`, in half precision), `detector-state.pt` and
`classifier.pt` (state dicts), `classifier-module.pt` (a pickled module under another key), and what the nets
answer to `PIXELS` and `CROPS`, in `expected.npz`.
"""

import datetime
import sys
import types
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision.models import resnet18

from export.torch_nets import yolov5
from export.torch_nets.resnet import ServedClassifier
from export.torch_nets.yolov5 import SIZES, ServedYoloV5, YoloV5

SIZE, CROP_SIZE, PRODUCTS, CLASSES = 96, 64, 5, 2
ANCHORS = (((6, 14), (9, 21), (12, 30)), ((15, 42), (20, 55), (28, 70)), ((35, 90), (60, 120), (80, 200)))
"""Not the published ones: as YOLOv5's autoanchor leaves them."""


def pictures(side: int, seed: int) -> NDArray[np.uint8]:
    """Return a batch of two, uint8 [2, side, side, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (2, side, side, 3), np.uint8)


def detector() -> YoloV5:
    net = YoloV5(*SIZES["n"], classes=CLASSES, anchors=ANCHORS)
    _settle(net, torch.from_numpy(pictures(SIZE, 1)).permute(0, 3, 1, 2) / 255)
    net.half().float().eval()  # the checkpoint keeps halves
    return net


def classifier() -> nn.Module:
    net = resnet18(num_classes=PRODUCTS)
    _settle(net, torch.from_numpy(pictures(CROP_SIZE, 2)).permute(0, 3, 1, 2) / 255)
    return net.eval()


def _settle(net: nn.Module, pixels: torch.Tensor) -> None:
    """Give the normalisations statistics of their own, so that leaving one out would be seen."""
    net.train()
    with torch.no_grad():
        for _ in range(20):
            net(pixels)


def as_published(net: YoloV5) -> nn.Module:
    """Return the net as YOLOv5 pickles it: its classes in `models`, attributes beside its layers."""
    for name in ("models", "models.common", "models.yolo"):
        sys.modules.setdefault(name, types.ModuleType(name))
    for kind in (yolov5.Conv, yolov5.Bottleneck, yolov5.C3, yolov5.SPPF, yolov5.Detect, YoloV5):
        kind.__module__ = "models.yolo" if kind in (yolov5.Detect, YoloV5) else "models.common"
        setattr(sys.modules[kind.__module__], kind.__name__, kind)
    net.names = {0: "bottle", 1: "can"}
    net.yaml = {"nc": CLASSES, "depth_multiple": 0.33}
    net.stride = torch.tensor([8.0, 16.0, 32.0])
    return net.half()


def write(folder: Path) -> None:
    torch.manual_seed(4)
    found, named = detector(), classifier()
    with torch.no_grad():
        candidates = ServedYoloV5(found)(torch.from_numpy(pictures(SIZE, 3))).numpy()
        class_probs = ServedClassifier(named).eval()(torch.from_numpy(pictures(CROP_SIZE, 4))).numpy()
    np.savez(folder / "expected.npz", candidates=candidates, class_probs=class_probs)
    torch.save(
        {f"module.{name}": value for name, value in found.state_dict().items()}, folder / "detector-state.pt"
    )
    torch.save(named.state_dict(), folder / "classifier.pt")
    torch.save({"epoch": 3, "model": named, "version": torch.__version__}, folder / "classifier-module.pt")
    checkpoint = {
        "epoch": -1,
        "best_fitness": np.array([0.5])[0],
        "model": None,
        "ema": as_published(found),
        "optimizer": None,
        "opt": {"imgsz": SIZE, "save_dir": Path("runs")},
        "date": datetime.datetime(2024, 1, 2),
    }
    torch.save(checkpoint, folder / "detector.pt")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
