"""Trains the head: `.venv-training/bin/python -m training.semantic.train [--steps N] [--threads N]`.

The loss is the divergence from the teacher's probabilities, cell by cell (Hinton et al. 2015).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, softmax

from evaluation.teacher import CLASSES
from export.paths import TRAINED
from training.augment import sample
from training.backbone import Normalised
from training.loop import Plan, fit, steps_and_threads, trained
from training.onnx_export import export_net
from training.semantic.features import FILES, SIDE, STRIDES, Lessons, lessons
from training.semantic.net import Head, SemanticNet
from training.semantic.views import LOGITS

PLAN = Plan("semantic", steps=1000, seed=5, peak_rate=2e-3, weight_decay=0.05)
BATCH = 16
GROUP_SHARES = (0.4, 0.15, 0.15, 0.3)
"""Of whole labelled photos, which are what is measured, crops of them, extra photos, and compositions."""
CELLS = SIDE // STRIDES[0]


def train(steps: int) -> None:
    """Train a new head, or go on from the last checkpoint."""
    features = [[np.load(path, mmap_mode="r") for path in files] for files in FILES]
    logits, chosen = np.load(LOGITS, mmap_mode="r"), lessons()
    odds = np.array(GROUP_SHARES)[chosen.groups] / np.bincount(chosen.groups)[chosen.groups]
    head = Head(CLASSES)

    def loss_of(random: np.random.Generator) -> Tensor:
        rows = np.sort(random.choice(len(odds), BATCH, p=odds))
        inputs = [[torch.from_numpy(maps[rows].astype(np.float32)) for maps in ours] for ours in features]
        return divergence(head(*inputs), targets(logits, chosen, rows))

    fit(PLAN._replace(steps=steps), head, loss_of)


def targets(logits: NDArray[np.float16], chosen: Lessons, rows: NDArray[np.intp]) -> Tensor:
    """Return the teacher's logits [rows, classes, CELLS, CELLS] at the centres of the head's cells."""
    maps = torch.from_numpy(logits[chosen.views[rows]].astype(np.float32)).permute(0, 3, 1, 2).clone()
    mirrored = torch.from_numpy(chosen.mirrored[rows])
    maps[mirrored] = maps[mirrored].flip(3)
    whole = torch.eye(2, 3).expand(len(rows), 2, 3)
    return sample(maps, whole, CELLS, corners=True)


def divergence(logits: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean over cells of the divergence of [B, C, h, w] from the teacher's."""
    return kl_div(log_softmax(logits, dim=1), softmax(teacher, dim=1), reduction="none").sum(dim=1).mean()


def export() -> None:
    """Write what the training kept as the graph that is served."""
    net = Normalised(SemanticNet(trained(PLAN.name, Head(CLASSES))))
    example = torch.randint(0, 256, (2, SIDE, SIDE, 3), dtype=torch.uint8)
    path = TRAINED / "semantic_segmentation_net.onnx"
    export_net(net, example, "pixels", ["class_probs"], path)


def main() -> None:
    """Train, then export."""
    train(steps_and_threads(__doc__ or "", PLAN.steps))
    export()


if __name__ == "__main__":
    main()
