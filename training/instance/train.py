"""Trains the mask net: `.venv-training/bin/python -m training.instance.train [--steps N] [--threads N]`."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from export.convert.instance_segmentation import SETTINGS
from export.paths import TRAINED
from training.augment import jitter, sample, windows
from training.backbone import with_known_padding
from training.blocks import Normalised
from training.instance.net import MaskNet, Probabilities
from training.instance.regions import MASKS, REGIONS, SPACE
from training.loop import Plan, fit, steps_and_threads, trained
from training.onnx_export import export_net

PLAN = Plan("instance", steps=2400, seed=11, peak_rate=1.5e-3, weight_decay=0.01, backbone_scale=0.3)
BATCH = 16
SIDE = SETTINGS.size
SERVED_SHARE = (1 + 2 * SETTINGS.margin) / (1 + 2 * SPACE)
"""The served region's part of a stored region's side."""
SCALES = (0.9, 1.15)
SHIFT = 0.06
"""How far a window strays, of the stored region's side: a detector's boxes err as much."""


def draw(
    random: np.random.Generator, regions: NDArray[np.uint8], masks: NDArray[np.uint8]
) -> tuple[Tensor, Tensor]:
    """Return regions [BATCH, 3, SIDE, SIDE] of -1 to 1, and masks [BATCH, 1, SIDE/2, SIDE/2] of 0 to 1."""
    chosen = np.sort(random.choice(len(regions), BATCH, replace=False))
    pictures = torch.from_numpy(regions[chosen]).permute(0, 3, 1, 2).float() / 127.5 - 1
    maps = torch.from_numpy(masks[chosen])[:, None].float() / 255
    shares = SERVED_SHARE * random.uniform(*SCALES, (BATCH, 2))
    places = windows(random, shares, random.uniform(-SHIFT, SHIFT, (BATCH, 2)))
    inputs = sample(pictures, places, SIDE, corners=False)
    jitter(inputs, random)
    return inputs.contiguous(memory_format=torch.channels_last), sample(
        maps, places, SIDE // 2, corners=False
    )


def distance(logits: Tensor, masks: Tensor) -> Tensor:
    """Return cross-entropy with masks of 0 to 1, and Dice's distance, which is nearer to IoU."""
    entropy = binary_cross_entropy_with_logits(logits, masks)
    answer = torch.sigmoid(logits)
    common, sizes = (answer * masks).sum((1, 2, 3)), (answer + masks).sum((1, 2, 3))
    dice: Tensor = 1 - ((2 * common + 1) / (sizes + 1)).mean()
    return entropy + 0.5 * dice


def train(steps: int) -> None:
    """Train from the pretrained backbone, or from the last checkpoint."""
    regions, masks = np.load(REGIONS, mmap_mode="r"), np.load(MASKS, mmap_mode="r")
    net = MaskNet()

    def loss_of(random: np.random.Generator) -> Tensor:
        inputs, truth = draw(random, regions, masks)
        return distance(net(inputs), truth)

    fit(PLAN._replace(steps=steps), net, loss_of)


def export() -> None:
    """Write what the training kept as the graph that is served."""
    net = with_known_padding(Normalised(Probabilities(trained(PLAN.name, MaskNet()))))
    example = torch.randint(0, 256, (2, SIDE, SIDE, 3), dtype=torch.uint8)
    export_net(net, example, "regions", ["mask_probs"], TRAINED / "instance_segmentation_mask_net.onnx")


def main() -> None:
    """Train, then export."""
    train(steps_and_threads(__doc__ or "", PLAN.steps))
    export()


if __name__ == "__main__":
    main()
