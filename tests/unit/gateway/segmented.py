"""Answers of Triton with masks in them, of random pictures."""

import numpy as np

from modelhub.kinds import Tensors
from tests.unit.gateway.fakes import strings
from vision.rle import Mask, encode


def random_mask(random: np.random.Generator, height: int, width: int) -> Mask:
    coarse = random.random((height // 5 + 1, width // 5 + 1)) < 0.4
    return coarse.repeat(5, axis=0).repeat(5, axis=1)[:height, :width]


def semantic(random: np.random.Generator, height: int = 60, width: int = 80) -> Tensors:
    preds = np.zeros((height, width), dtype=np.uint8)
    for class_id in (3, 8, 20):
        preds[random_mask(random, height, width)] = class_id
    probs = (random.integers(0, 10_001, (height, width)) / 10_000).astype(np.float32)
    return {"probs": probs, "preds": preds}


def foreground(random: np.random.Generator, height: int = 60, width: int = 80) -> Tensors:
    mask = random_mask(random, height, width).astype(np.uint8)
    return {"mask": mask, "human_ratio": strings(f"{mask.mean():.6f}")}


def instances(random: np.random.Generator, height: int = 60, width: int = 80, number: int = 3) -> Tensors:
    masks = [encode(random_mask(random, height, width)) for _ in range(number)]
    return {
        "detection_boxes": np.tile(np.array([5, 5, 50, 70], dtype=np.float32), (number, 1)),
        "detection_scores": np.full(number, 0.9, dtype=np.float32),
        "detection_classes": np.ones(number, dtype=np.int32),
        "detection_class_names": strings(*["person"] * number),
        "detection_masks_counts": np.concatenate([np.zeros(0, dtype=np.int32), *masks]),
        "detection_masks_lengths": np.array([len(counts) for counts in masks], dtype=np.int32),
        "detection_masks_size": np.array([height, width], dtype=np.int32),
    }


MASKED = {
    "semantic_segmentation": semantic,
    "foreground_segmentation": foreground,
    "instance_segmentation": instances,
}
