"""Trains the head: `.venv-training/bin/python -m training.foreground.train [--steps N] [--threads N]`.

The loss is the cross entropy and, of each picture alike, the lack of overlap; where a picture shows no people
every pixel that is called so lowers it.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from evaluation.labelled import IGNORED
from export.paths import TRAINED
from training.blocks import Normalised
from training.foreground.features import parts
from training.foreground.net import SIDE, ForegroundNet, Head, Maps
from training.foreground.selfie import Selfie
from training.loop import DEVICE, Plan, fit, steps_and_threads, trained
from training.onnx_export import export_net

PLAN = Plan("foreground", steps=850, seed=6, peak_rate=2e-3, weight_decay=0.02, average_decay=0.99)
BATCH = 8
OVERLAP_SHARE = 0.5
LEAST_UNION = 0.01
"""Of a picture: added to intersection and union, so that those of no people are defined."""


def train(steps: int) -> None:
    """Train a new head, or go on from the last checkpoint."""
    views = [(part.arrays(), part.truths()) for part in parts()]
    places = np.array(
        [(number, row) for number, (_, truths) in enumerate(views) for row in range(len(truths))]
    )
    head = Head()

    def loss_of(random: np.random.Generator) -> Tensor:
        chosen = places[random.choice(len(places), BATCH, replace=False)]
        rows = [[array[row] for array in views[number][0]] for number, row in chosen]
        maps = Maps(*(_tensor(np.stack(one)) for one in zip(*rows, strict=True)))
        truths = np.stack([views[number][1][row] for number, row in chosen])
        return loss(head(maps), torch.from_numpy(truths).to(DEVICE))

    fit(PLAN._replace(steps=steps), head, loss_of)


def _tensor(maps: NDArray[np.float16]) -> Tensor:
    return torch.from_numpy(maps).to(DEVICE, torch.float32, memory_format=torch.channels_last)


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
