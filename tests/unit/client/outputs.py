"""Random outputs of the ensembles, by service: what Triton might answer."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.gateway.fakes import strings

Random = np.random.Generator
Outputs = dict[str, NDArray[Any]]

NAMES = ("猫", "dog", "", "a name\twith blanks", 'quotes "and" \\', "饮料 500ml")


def floats(random: Random, *shape: int) -> NDArray[np.float32]:
    """Of all magnitudes, so that their texts are short and long."""
    return (random.random(shape) * 10.0 ** random.integers(-8, 5, shape)).astype(np.float32)


def integers(random: Random, *shape: int) -> NDArray[np.int32]:
    return random.integers(0, 2**31 - 1, shape, dtype=np.int32)


def _names(random: Random, count: int) -> list[str]:
    return [str(random.choice(NAMES)) for _ in range(count)]


def _detections(random: Random, n: int) -> Outputs:
    return {
        "detection_boxes": floats(random, n, 4),
        "detection_scores": floats(random, n),
        "detection_classes": integers(random, n),
        "detection_class_names": strings(*_names(random, n)),
    }


def _labels(random: Random, n: int) -> Outputs:
    labels = "\n".join(f"{number} {name}" for number, name in enumerate(_names(random, n)))
    return {"class_probs": floats(random, 1, n), "class_labels": strings(labels, shape=(1, 1))}


def _image_classification(random: Random) -> Outputs:
    best = {"class": integers(random, 1, 1), "class_name": strings(*_names(random, 1), shape=(1, 1))}
    return best | _labels(random, 1000)


def _scene_classification(random: Random) -> Outputs:
    best = {"class": integers(random, 1, 5), "class_name": strings(*_names(random, 5), shape=(1, 5))}
    return best | _labels(random, 61)


def _image_similarity(random: Random) -> Outputs:
    return {"similarity": floats(random, 1), "l2_distance": floats(random, 1)}


def _sides(random: Random) -> tuple[int, int]:
    height, width = random.integers(1, 40, 2).tolist()
    return height, width


def _foreground_segmentation(random: Random) -> Outputs:
    mask = random.integers(0, 2, _sides(random), dtype=np.uint8)
    return {"mask": mask, "human_ratio": strings(f"{mask.mean():.6f}")}


def _semantic_segmentation(random: Random) -> Outputs:
    sides = _sides(random)
    probs = np.round(random.random(sides, dtype=np.float32), 4)
    return {"probs": probs, "preds": random.integers(0, 21, sides, dtype=np.uint8)}


def _object_detection(random: Random) -> Outputs:
    return _detections(random, int(random.integers(0, 4)))


def _instance_segmentation(random: Random) -> Outputs:
    """Masks of any run lengths that add up to the size; none, too."""
    height, width = _sides(random)
    n = int(random.integers(0, 4))
    counts = []
    for _ in range(n):
        cuts = np.unique(random.integers(0, height * width + 1, random.integers(1, 9)))
        counts.append(np.diff(cuts, prepend=0, append=height * width).astype(np.int32))
    return _detections(random, n) | {
        "detection_masks_counts": np.concatenate([np.zeros(0, np.int32), *counts]),
        "detection_masks_lengths": np.array([len(one) for one in counts], dtype=np.int32),
        "detection_masks_size": np.array([height, width], dtype=np.int32),
    }


def _shelf_counting(random: Random) -> Outputs:
    names = list(dict.fromkeys(_names(random, int(random.integers(0, 5)))))
    return _detections(random, int(random.integers(0, 4))) | {
        "product_names": strings(*names),
        "product_counts": integers(random, len(names)),
        "ori_img_shape": integers(random, 2),
    }


def _image_colorization(random: Random) -> Outputs:
    file = np.empty(1, dtype=np.object_)
    file[0] = base64.b64encode(random.bytes(int(random.integers(1, 99))))
    return {"out_image": file}


def _ocr(random: Random) -> Outputs:
    n, longest = int(random.integers(0, 4)), int(random.integers(0, 5))
    return _detections(random, n) | {
        "detection_keypoints": floats(random, n, 4, 2),
        "detection_texts_ids": integers(random, n, longest),
        "detection_texts": strings(*_names(random, n)),
        "detection_texts_scores": floats(random, n),
    }


OUTPUTS: Mapping[str, Callable[[Random], Outputs]] = {
    "image_classification": _image_classification,
    "scene_classification": _scene_classification,
    "image_similarity": _image_similarity,
    "foreground_segmentation": _foreground_segmentation,
    "semantic_segmentation": _semantic_segmentation,
    "object_detection": _object_detection,
    "instance_segmentation": _instance_segmentation,
    "shelf_counting": _shelf_counting,
    "image_colorization": _image_colorization,
    "ocr": _ocr,
}
