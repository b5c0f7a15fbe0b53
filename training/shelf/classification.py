"""Trains the product classifier; in the training environment, `python -m training.shelf.classification`.

A small residual net, from scratch, on crops of drawn shelves under changing light.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from evaluation.shelves.products import names
from export.paths import TRAINED
from training.blocks import Normalised
from training.loop import Fitting, Plan, steps_and_threads, trained
from training.onnx_export import export_net
from training.shelf.data import shelf_crops

PLAN = Plan("shelf-classification", steps=800, seed=5, peak_rate=3e-3, weight_decay=1e-2, average_decay=0.995)
SHELVES, CROPS = 8, 8
"""Of a batch: shelves, and crops of each."""
LESSONS = 480
STEM, WIDTHS = 24, (32, 64, 128)


class Residual(nn.Module):
    """Two 3 x 3 convolutions, and the input past them; source: He et al. 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.past = (
            nn.Identity() if inputs == outputs and stride == 1 else _projection(inputs, outputs, stride)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, outputs, h / stride, w / stride]."""
        y = self.second_norm(self.second(self.first_norm(self.first(x)).relu()))
        result: Tensor = (y + self.past(x)).relu()
        return result


def product_net() -> nn.Sequential:
    """Return the net: RGB [B, 3, 96, 96] of -1 to 1 to logits [B, products]."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, STEM, 5, 2, 2, bias=False),
        nn.BatchNorm2d(STEM),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = STEM
    for number, width in enumerate(WIDTHS):
        layers += [Residual(inputs, width, 1 if number == 0 else 2), Residual(width, width, 1)]
        inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, len(names())))


def train(steps: int) -> None:
    """Train from scratch, or from the last checkpoint."""
    torch.manual_seed(PLAN.seed)
    net = Normalised(product_net())
    fitting = Fitting(PLAN._replace(steps=steps), net)
    for random in fitting:
        crops, classes = batch(random)
        logits = net(crops)
        loss = cross_entropy(logits, classes)
        right = (logits.argmax(dim=1) == classes).float().mean()
        fitting.learn(loss, right=right.item())


def batch(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return crops uint8 [SHELVES * CROPS, 96, 96, 3] and their classes."""
    chosen = [_some(*shelf_crops(int(rng.integers(LESSONS))), rng) for _ in range(SHELVES)]
    crops, classes = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
    return torch.from_numpy(relit(crops, rng)), torch.from_numpy(classes)


def _some(
    crops: NDArray[np.uint8], classes: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    picked = rng.integers(len(classes), size=CROPS)
    return crops[picked], classes[picked]


def relit(crops: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return `crops` [n, h, w, 3], each under light of another strength and another tint."""
    strength, tint = (
        rng.uniform(0.75, 1.3, (len(crops), 1, 1, 1)),
        rng.uniform(0.93, 1.07, (len(crops), 1, 1, 3)),
    )
    lit: NDArray[np.uint8] = (crops * (strength * tint).astype(np.float32)).clip(0, 255).astype(np.uint8)
    return lit


def export() -> None:
    """Write what the training kept as the graph that is served, and the names of its classes."""
    net = nn.Sequential(trained(PLAN.name, Normalised(product_net())), nn.Softmax(dim=1))
    path = TRAINED / "shelf_counting_classification_net.onnx"
    export_net(net, torch.from_numpy(shelf_crops(0)[0][:8]), "crops", ["class_probs"], path)
    (TRAINED / "shelf_counting_products.txt").write_text("\n".join(names()) + "\n")


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def main() -> None:
    """Train, then export."""
    train(steps_and_threads(__doc__ or "", PLAN.steps))
    export()


if __name__ == "__main__":
    main()
