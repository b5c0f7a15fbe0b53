"""The pictures that the teacher labels, as one array: photos whole, random crops of them, and compositions.

    .venv-training/bin/python -m training.semantic.views

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
from training.semantic.compositions import composition
from training.semantic.crops import random_crop

SIDE = 384
"""Stored views are this large; training reads smaller ones from them."""
CROPS = 4
COMPOSITIONS = 3000
LABELLED_SHARE = 0.8
"""Of a composition's pieces that are cut from labelled photos, which are more varied than the extra ones."""
SEED, COMPOSITIONS_SEED = 20261122, 7
VIEWS = work_folder("semantic") / "views.npy"
LOGITS = work_folder("semantic") / "logits.npy"


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


def main() -> None:
    """Write all views, in the order of photos, and the compositions behind them."""
    random = np.random.default_rng(SEED)
    photos = training_photos()
    of_photos = photo_views()
    array = new_array(VIEWS, np.uint8, (of_photos + COMPOSITIONS, SIDE, SIDE, 3))
    for index, photo in enumerate(track(photos, "views")):
        array[index * (1 + CROPS) : (index + 1) * (1 + CROPS)] = views(photo, random)
    odds = np.concatenate(
        [
            np.full(len(some), share / len(some))
            for some, share in ((labelled_photos(), LABELLED_SHARE), (extra_photos(), 1 - LABELLED_SHARE))
        ]
    )
    random = np.random.default_rng(COMPOSITIONS_SEED)
    for index in track(range(COMPOSITIONS), "compositions"):
        array[of_photos + index] = composition(photos, odds, SIDE, random)
    array.flush()


if __name__ == "__main__":
    main()
