"""The photos as one array, and random crops of them: colour is its own label."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from evaluation.photos import FOLDER, all_photos, for_fitting
from training.files import work_folder

STORED_SIDE = 208
SMALLEST_CROP = 0.7
"""Of the photo's height and width."""
GAMMAS = (0.75, 1.35)
CHOOSING_EVERY = 10
CACHE = work_folder("colorization") / "photos.npy"


def choosing_photos() -> list[Path]:
    """Return every tenth photo that may be fitted to: settings are chosen on them, nothing is trained."""
    return for_fitting(all_photos())[CHOOSING_EVERY - 1 :: CHOOSING_EVERY]


def training_photos() -> list[Path]:
    """Return the photos whose colours are learned: the rest that may be fitted to, and the extra ones."""
    chosen_on = set(choosing_photos())
    fitted = [photo for photo in for_fitting(all_photos()) if photo not in chosen_on]
    return [*fitted, *sorted(FOLDER.with_name("photos_extra").glob("*.jpg"))]


def stored_photos() -> NDArray[np.uint8]:
    """Return the training photos, squashed: uint8 RGB [n, STORED_SIDE, STORED_SIDE, 3]; kept in a file."""
    if not CACHE.exists():
        size = (STORED_SIDE, STORED_SIDE)
        pictures = [
            np.asarray(Image.open(photo).convert("RGB").resize(size, Image.Resampling.BILINEAR))
            for photo in track(training_photos(), "photos")
        ]
        np.save(CACHE, np.stack(pictures))
    stored: NDArray[np.uint8] = np.load(CACHE)
    return stored


def crops(stored: NDArray[np.uint8], count: int, side: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return uint8 RGB [count, side, side, 3]: random crops of random photos, half of them mirrored.

    Their brightness is bent by a random gamma, colours with it: old pictures are of any brightness.
    """
    chosen = random.integers(0, len(stored), count)
    return np.stack([_crop(stored[index], side, random) for index in chosen])


def _crop(picture: NDArray[np.uint8], side: int, random: np.random.Generator) -> NDArray[np.uint8]:
    width, height = STORED_SIDE * random.uniform(SMALLEST_CROP, 1, 2)
    left, top = random.uniform(0, 1, 2) * (STORED_SIDE - np.array((width, height)))
    box = (left, top, left + width, top + height)
    cropped = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR, box))
    if random.random() < 0.5:
        cropped = cropped[:, ::-1]
    gamma = np.exp(random.uniform(*np.log(GAMMAS)))
    bent = np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return bent[cropped]
