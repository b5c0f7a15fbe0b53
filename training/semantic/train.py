"""Trains the net: `.venv-training/bin/python -m training.semantic.train [--steps N] [--threads N]`.

The loss is the divergence from the teacher's probabilities, cell by cell (Hinton et al. 2015), cells of rare
classes weighing more, since what counts in the end is the mean over classes.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, softmax

from training.backbone import Normalised
from training.files import RESULTS
from training.loop import Plan, fit, steps_and_threads, trained
from training.onnx_export import export_net
from training.semantic.batches import Batches, like_measured, rarity
from training.semantic.net import Probabilities, SemanticNet
from training.semantic.views import LOGITS, VIEWS
from training.teacher import CLASSES

NAME = "semantic"
SEED = 7
STEPS = 4400
GENERAL_SHARE = 0.45
"""Of the steps: all views. After it, views are drawn as they will be measured, and classes weigh alike."""
BATCH = 8
SIDE = 256
LARGE_SIDE, LARGE_SHARE = 320, 0.1
"""The last part of the training sees pictures of the size that is served."""
PEAK_RATE = 2e-3
BACKBONE_SCALE = 0.16
RARE_POWER = 0.12
SERVED_SIDE = 320


def train(steps: int) -> None:
    """Train from the pretrained backbone, or from the last checkpoint."""
    logits = np.load(LOGITS)
    batches, weights = Batches(np.load(VIEWS, mmap_mode="r"), logits), class_weights(logits)
    general = rarity(logits)
    measured = like_measured(general)
    net = SemanticNet(CLASSES)

    def loss_of(random: np.random.Generator, done: float) -> Tensor:
        side = LARGE_SIDE if done > 1 - LARGE_SHARE else SIDE
        odds, balance = (general, weights) if done < GENERAL_SHARE else (measured, torch.ones(CLASSES))
        pictures, targets = batches.draw(random, odds, BATCH, side)
        return divergence(net(pictures), targets, balance)

    fit(Plan(NAME, steps, SEED, PEAK_RATE, BACKBONE_SCALE), net, loss_of)


def divergence(logits: Tensor, teacher: Tensor, weights: Tensor) -> Tensor:
    """Return the mean divergence of [B, C, h, w] from the teacher's, weighted by its likeliest class."""
    each = kl_div(log_softmax(logits, dim=1), softmax(teacher, dim=1), reduction="none").sum(dim=1)
    weight = weights[teacher.argmax(dim=1)]
    return (each * weight).sum() / weight.sum()


def class_weights(logits: NDArray[np.float16]) -> Tensor:
    """Return a weight a class: a power of how seldom its cells are, 1 for the background."""
    counts = np.bincount(logits.argmax(axis=3).ravel(), minlength=CLASSES).clip(1)
    return torch.from_numpy((counts[0] / counts) ** RARE_POWER).float()


def export() -> None:
    """Write what the training kept as the graph that is served."""
    net = Normalised(Probabilities(trained(NAME, SemanticNet(CLASSES))))
    example = torch.randint(0, 256, (2, SERVED_SIDE, SERVED_SIDE, 3), dtype=torch.uint8)
    export_net(net, example, "pixels", ["class_probs"], RESULTS / "semantic_segmentation_net.onnx")


def main() -> None:
    """Train, then export."""
    train(steps_and_threads(__doc__ or "", STEPS))
    export()


if __name__ == "__main__":
    main()
