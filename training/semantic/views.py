"""The pictures that the teacher labels: every photo whole, and random crops of it, as one array.

    .venv-training/bin/python -m training.semantic.views

Held-out photos (bench/photos.py) are in none of them.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from bench.photos import FOLDER, all_photos, for_fitting
from training.files import new_array, work_folder

SIDE = 384
"""Stored views are this large; training reads smaller ones from them."""
CROPS = 4
SMALLEST_CROP = 0.45
"""Of the photo's height and width."""
SEED = 20261122
VIEWS = work_folder("semantic") / "views.npy"
LOGITS = work_folder("semantic") / "logits.npy"


def training_photos() -> list[Path]:
    """Return the photos that may be trained on: three quarters of the labelled ones, and the extra ones."""
    return [*for_fitting(all_photos()), *sorted(FOLDER.with_name("photos_extra").glob("*.jpg"))]


def views(photo: Path, random: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Return the photo and random crops of it, each squashed to uint8 RGB [SIDE, SIDE, 3]."""
    picture = Image.open(photo).convert("RGB")
    boxes = [(0.0, 0.0, float(picture.width), float(picture.height))]
    boxes += [_crop(picture.size, random) for _ in range(CROPS)]
    return [np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)) for box in boxes]


def _crop(size: tuple[int, int], random: np.random.Generator) -> tuple[float, float, float, float]:
    """Return a random (left, top, right, bottom) whose sides are a share of the picture's."""
    shares = random.uniform(SMALLEST_CROP, 1) * random.uniform(0.85, 1, 2)
    width, height = np.array(size) * shares
    left, top = random.uniform(0, 1, 2) * (np.array(size) - (width, height))
    return float(left), float(top), float(left + width), float(top + height)


def main() -> None:
    """Write all views, in the order of photos."""
    random = np.random.default_rng(SEED)
    photos = training_photos()
    shape = (len(photos) * (1 + CROPS), SIDE, SIDE, 3)
    array = new_array(VIEWS, np.uint8, shape)
    for index, photo in enumerate(track(photos, "views")):
        array[index * (1 + CROPS) : (index + 1) * (1 + CROPS)] = views(photo, random)
    array.flush()


if __name__ == "__main__":
    main()
