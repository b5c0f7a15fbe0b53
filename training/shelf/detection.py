"""Trains the shelf detector; in the training environment, `python -m training.shelf.detection`.

YOLOv5n for one class, from scratch, on squares cut from letterboxed shelves: drinks stand as close
as on a whole one, and a step costs a quarter.
"""

import math

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from export.convert.shelf_settings import DETECTION
from export.paths import TRAINED
from export.torch_nets.yolov5 import SIZES, STRIDES, Anchors, ServedYoloV5, YoloV5
from training.loop import Fitting, Plan, steps_and_threads, trained
from training.onnx_export import export_net
from training.shelf.data import shelf_pixels
from training.shelf.detection_loss import detection_loss
from training.shelf.squares import square, targets_of

PLAN = Plan("shelf-detection", steps=700, seed=3, peak_rate=3e-3, weight_decay=1e-3, longest_gradient=10.0)
BATCH = 12
LESSONS = 480
ANCHOR_LESSONS = 40


def train(steps: int) -> None:
    """Train from scratch, or from the last checkpoint."""
    torch.manual_seed(PLAN.seed)
    net = begun(YoloV5(*SIZES["n"], classes=1, anchors=fitted_anchors()))
    fitting = Fitting(PLAN._replace(steps=steps), net)
    for random in fitting:
        pixels, targets = batch(random)
        boxes, objects = detection_loss(net(pixels), targets, net.model[-1].anchors)
        fitting.learn(boxes + objects, boxes=boxes.item(), objects=objects.item())


def fitted_anchors() -> Anchors:
    """Return nine shapes, k-means of the drinks' in the letterbox, the smallest on the finest map."""
    corners = np.concatenate([shelf_pixels(seed)[1] for seed in range(ANCHOR_LESSONS)])
    sizes = (corners[:, 2:] - corners[:, :2])[:, ::-1].astype(np.float64)
    centres, _ = kmeans2(np.log(sizes), 9, minit="++", seed=PLAN.seed)
    shapes = np.exp(centres[np.argsort(centres.sum(axis=1))]).round(1)
    return [[(float(w), float(h)) for w, h in level] for level in shapes.reshape(3, 3, 2)]


def begun(net: YoloV5) -> YoloV5:
    """Set the head's first biases, in place: few cells hold a drink, and the only class is always right.

    Source: `_initialize_biases` of YOLOv5 7.0. Nothing trains an only class's score: weights of zero keep it.
    """
    with torch.no_grad():
        for layer, stride in zip(net.model[-1].m, STRIDES, strict=True):
            bias = layer.bias.view(-1, net.model[-1].outputs)
            bias[:, 4] = math.log(8 / (DETECTION.size / stride) ** 2)
            bias[:, 5] = math.log(0.6 / 1e-5)
            layer.weight.view(*bias.shape, -1)[:, 5] = 0
    return net


def batch(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return pixels float [BATCH, 3, side, side] of 0 to 1, and targets [n, 5] as `targets_of` makes them."""
    views = [square(*shelf_pixels(int(rng.integers(LESSONS))), rng) for _ in range(BATCH)]
    pixels = torch.from_numpy(np.stack([picture for picture, _ in views])).permute(0, 3, 1, 2).float() / 255
    gains = torch.from_numpy(
        rng.uniform(0.75, 1.25, (BATCH, 3, 1, 1)) * rng.uniform(0.7, 1.3, (BATCH, 1, 1, 1))
    )
    targets = [targets_of(number, boxes) for number, (_, boxes) in enumerate(views)]
    return (pixels * gains.float()).clamp(0, 1).contiguous(), torch.from_numpy(np.concatenate(targets))


def export() -> None:
    """Write what the training kept as the graph that is served."""
    net = ServedYoloV5(trained(PLAN.name, YoloV5(*SIZES["n"], classes=1)))
    shelves = np.stack([shelf_pixels(seed)[0] for seed in range(2)])
    path = TRAINED / "shelf_counting_detection_net.onnx"
    export_net(net, torch.from_numpy(shelves), "pixels", ["candidates"], path)


def main() -> None:
    """Train, then export."""
    train(steps_and_threads(__doc__ or "", PLAN.steps))
    export()


if __name__ == "__main__":
    main()
