"""The pictures that the teacher labels, as one array: photos whole, and random crops of them.

    .venv-training/bin/python -m training.instance.views

Held-out photos (evaluation/photos.py) are in none of them.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from evaluation.arrays import new_array
from evaluation.photos import FOLDER, all_photos, for_fitting
from training.files import work_folder

SIDE = 384
"""Stored views are this large; training reads smaller ones from them."""
CROPS = 4
SMALLEST_CROP = 0.45
"""Of the photo's height and width."""
SEED = 20261122
VIEWS = work_folder("instance") / "views.npy"
LOGITS = work_folder("instance") / "logits.npy"


def labelled_photos() -> list[Path]:
    """Return three quarters of the labelled photos."""
    return for_fitting(all_photos())


def extra_photos() -> list[Path]:
    """Return the other photos."""
    return sorted(FOLDER.with_name("photos_extra").glob("*.jpg"))


def training_photos() -> list[Path]:
    """Return the photos that may be trained on, labelled ones first."""
    return [*labelled_photos(), *extra_photos()]


def photo_views() -> int:
    """Return how many views are of photos: the first ones."""
    return len(training_photos()) * (1 + CROPS)


def views(photo: Path, random: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Return the photo and random crops of it, each squashed to uint8 RGB [SIDE, SIDE, 3]."""
    picture = Image.open(photo).convert("RGB")
    boxes = [(0.0, 0.0, float(picture.width), float(picture.height))]
    boxes += [random_crop(picture.size, random) for _ in range(CROPS)]
    return [np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)) for box in boxes]


def random_crop(size: tuple[int, int], random: np.random.Generator) -> tuple[float, float, float, float]:
    """Return a random (left, top, right, bottom) in a picture of `size`, with a share of its sides."""
    shares = random.uniform(SMALLEST_CROP, 1) * random.uniform(0.85, 1, 2)
    width, height = np.array(size) * shares
    left, top = random.uniform(0, 1, 2) * (np.array(size) - (width, height))
    return float(left), float(top), float(left + width), float(top + height)


def main() -> None:
    """Write all views, in the order of photos."""
    random = np.random.default_rng(SEED)
    photos = training_photos()
    array = new_array(VIEWS, np.uint8, (photo_views(), SIDE, SIDE, 3))
    for index, photo in enumerate(track(photos, "views")):
        array[index * (1 + CROPS) : (index + 1) * (1 + CROPS)] = views(photo, random)
    array.flush()


if __name__ == "__main__":
    main()
