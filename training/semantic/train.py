"""Trains the head and, at a low rate, its copy of the detector's last blocks.

    .venv-training/bin/python -m training.semantic.train [--steps N] [--threads N]

The loss is the cross entropy with people's labels and, so that small classes count as much as large ones,
each class's lack of overlap (Rahman and Wang 2016).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, log_softmax, nll_loss

from evaluation.agreement import CLASSES
from evaluation.labelled import IGNORED
from export.paths import TRAINED
from training.blocks import Normalised
from training.frozen import Stored
from training.loop import Plan, fit, steps_and_threads, trained
from training.onnx_export import as_stored, export_net
from training.semantic.features import STORE
from training.semantic.net import SemanticNet, new_head
from training.semantic.views import SIDE

PLAN = Plan("semantic", steps=1290, seed=5, peak_rate=2e-3, weight_decay=0.02, backbone_scale=0.2)
BATCH = 16
OVERLAP_SHARE = 0.5


def train(steps: int) -> None:
    """Train a new head, or go on from the last checkpoint."""
    views, head = Stored(STORE), new_head(CLASSES, SIDE)

    def loss_of(random: np.random.Generator) -> Tensor:
        maps, ids = views.draw(random, BATCH)
        return loss(head(*maps), ids.long())

    fit(PLAN._replace(steps=steps), head, loss_of)


def loss(logits: Tensor, ids: Tensor) -> Tensor:
    """Return the loss of [B, C, h, w] against class ids [B, H, W]; `IGNORED` ones do not count."""
    larger = interpolate(logits, size=ids.shape[1:], mode="bilinear", align_corners=False)
    logs = log_softmax(larger, dim=1)
    return nll_loss(logs, ids, ignore_index=IGNORED) + OVERLAP_SHARE * lack_of_overlap(logs.exp(), ids)


def lack_of_overlap(probs: Tensor, ids: Tensor) -> Tensor:
    """Return the mean over the classes in the batch of 1 - intersection over union, both of probabilities."""
    classes, counted = probs.shape[1], ids != IGNORED
    right = probs.gather(1, ids.where(counted, 0).unsqueeze(1)).squeeze(1)
    common = torch.zeros(classes, device=probs.device).index_add(0, ids[counted], right[counted])
    found = torch.einsum("bchw,bhw->c", probs, counted.float())
    truth = torch.bincount(ids[counted], minlength=classes)
    return 1 - (common / (found + truth - common))[truth > 0].mean()


def export() -> None:
    """Write what the training kept as the graph that is served."""
    net = as_stored(Normalised(SemanticNet(trained(PLAN.name, new_head(CLASSES, SIDE)), SIDE)))
    example = torch.randint(0, 256, (2, SIDE, SIDE, 3), dtype=torch.uint8)
    path = TRAINED / "semantic_segmentation_net.onnx"
    export_net(net, example, "pixels", ["class_probs"], path)


def main() -> None:
    """Train, then export."""
    train(steps_and_threads(__doc__ or "", PLAN.steps))
    export()


if __name__ == "__main__":
    main()
