"""Random documented answers of every service, and the page's own spellings of them."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from vision.rle import encode

Random = np.random.Generator
Answer = dict[str, Any]

HEIGHT, WIDTH = 60, 80
NAMES = ("cat", "dog", "cup", "car", "书", "tea", "cola", "kite")


def answer(service: str, random: Random) -> Answer:
    common = {"request_id": random.bytes(16).hex(), "success": True}
    return common | _OWN[service](random)


def _classes(random: Random) -> Answer:
    return _probs(random) | {"class": 3, "class_name": "cat"}


def _scenes(random: Random) -> Answer:
    ranked = random.permutation(len(NAMES))[:5]
    return _probs(random) | {"class": ranked.tolist(), "class_name": [NAMES[one] for one in ranked]}


def _probs(random: Random) -> Answer:
    return {"class_probs": dict(zip(NAMES, random.dirichlet(np.ones(len(NAMES))).tolist(), strict=True))}


def _found(random: Random, count: int | None = None) -> Answer:
    """Boxes that may overlap, be the same or have no area."""
    count = int(random.integers(0, 9)) if count is None else count
    ends = [
        np.sort(random.integers(0, side + 1, (count, 2)).astype(float), axis=1) for side in (HEIGHT, WIDTH)
    ]
    boxes = np.stack([ends[0][:, 0], ends[1][:, 0], ends[0][:, 1], ends[1][:, 1]], axis=1)
    classes = random.integers(0, len(NAMES), count).tolist()
    return {
        "detection_boxes": boxes.tolist(),
        "detection_scores": random.random(count).tolist(),
        "detection_classes": classes,
        "detection_class_names": [NAMES[one] for one in classes],
    }


def _instances(random: Random) -> Answer:
    found = _found(random)
    masks = []
    for top, left, bottom, right in found["detection_boxes"]:
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask[int(top) : int(bottom), int(left) : int(right)] = True
        masks.append({"counts": encode(mask).tolist(), "size": [HEIGHT, WIDTH]})
    return found | {"detection_masks": masks}


def _texts(random: Random) -> Answer:
    found = _found(random)
    corners = [
        [[top, left], [top, right], [bottom, right], [bottom, left]]
        for top, left, bottom, right in found["detection_boxes"]
    ]
    letters = [random.integers(1, 9, random.integers(1, 12)).tolist() for _ in corners]
    longest = max(map(len, letters), default=0)
    return found | {
        "detection_keypoints": corners,
        "detection_texts": ["".join("一二三四open"[one - 1] for one in line) for line in letters],
        "detection_texts_ids": [line + [0] * (longest - len(line)) for line in letters],
        "detection_texts_scores": random.random(len(corners)).tolist(),
    }


def _shelf(random: Random) -> Answer:
    found = _found(random)
    names = found["detection_class_names"]
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    return found | {"product_count": counts, "ori_img_shape": [HEIGHT, WIDTH]}


def _pixels(random: Random) -> Answer:
    size = (HEIGHT, WIDTH)
    return {"preds": random.integers(0, 21, size).tolist(), "probs": random.random(size).round(4).tolist()}


def _people(random: Random) -> Answer:
    mask = random.random((HEIGHT, WIDTH)) < random.random()
    return {"human_ratio": f"{mask.mean():.6f}", "mask": mask.astype(int).tolist()}


def _similarity(random: Random) -> Answer:
    return {"similarity": float(random.random() * 100), "l2_distance": float(random.random() * 2)}


def _coloured(random: Random) -> Answer:
    return {"out_image": picture(random.integers(0, 256, (HEIGHT, WIDTH, 3)))}


def picture(pixels: "np.ndarray[Any, Any]") -> str:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


_OWN: dict[str, Callable[[Random], Answer]] = {
    "image_classification": _classes,
    "scene_classification": _scenes,
    "object_detection": _found,
    "instance_segmentation": _instances,
    "ocr": _texts,
    "shelf_counting": _shelf,
    "semantic_segmentation": _pixels,
    "foreground_segmentation": _people,
    "image_similarity": _similarity,
    "image_colorization": _coloured,
}
