"""Trains the head: `.venv-training/bin/python -m training.foreground.train [--steps N] [--threads N]`.

The loss is the cross entropy and, of each picture alike, the lack of overlap; where a picture shows no people
every pixel that is called so lowers it.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from evaluation.labelled import IGNORED
from export.paths import TRAINED
from training.blocks import Normalised
from training.foreground.features import STORE
from training.foreground.net import SIDE, ForegroundNet, Head, Maps
from training.foreground.selfie import Selfie
from training.frozen import Stored
from training.loop import Plan, fit, steps_and_threads, trained
from training.onnx_export import export_net

PLAN = Plan("foreground", steps=850, seed=6, peak_rate=2e-3, weight_decay=0.02, average_decay=0.99)
BATCH = 8
OVERLAP_SHARE = 0.5
LEAST_UNION = 0.01
"""Of a picture: added to intersection and union, so that those of no people are defined."""


def train(steps: int) -> None:
    """Train a new head, or go on from the last checkpoint."""
    views, head = Stored(STORE), Head()

    def loss_of(random: np.random.Generator) -> Tensor:
        maps, truths = views.draw(random, BATCH)
        return loss(head(Maps(*maps)), truths)

    fit(PLAN._replace(steps=steps), head, loss_of)


def loss(logits: Tensor, truths: Tensor) -> Tensor:
    """Return the loss of [B, H, W] against truths [B, H, W]; `IGNORED` pixels do not count."""
    known, people = (truths != IGNORED).float(), (truths == 1).float()
    entropy = binary_cross_entropy_with_logits(logits, people, reduction="none")
    found = torch.sigmoid(logits) * known
    common, either = (found * people).mean((1, 2)), (found + people - found * people).mean((1, 2))
    lack = 1 - (common + LEAST_UNION) / (either + LEAST_UNION)
    return (entropy * known).sum() / known.sum() + OVERLAP_SHARE * lack.mean()


def export() -> None:
    """Write what the training kept as the graph that is served."""
    net = Normalised(ForegroundNet(trained(PLAN.name, Head()), Selfie()))
    example = torch.randint(0, 256, (2, SIDE, SIDE, 3), dtype=torch.uint8)
    export_net(net, example, "pixels", ["alpha"], TRAINED / "foreground_segmentation_net.onnx")


def main() -> None:
    """Train, then export."""
    train(steps_and_threads(__doc__ or "", PLAN.steps))
    export()


if __name__ == "__main__":
    main()
