"""The labelled photos, which are not part of the project, and which of them are held out everywhere."""

from collections.abc import Sequence
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Photos and the teacher; no part of the project."""
FOLDER = DATA / "photos"
EXTRA_FOLDER = DATA / "photos_extra"
"""Photos without labels; none of them is held out."""
HELD_OUT_EVERY = 4


def all_photos() -> list[Path]:
    """Return the photos by name; empty where they are absent."""
    return sorted(FOLDER.glob("*.jpg"))


def label(photo: Path) -> int:
    """Return a photo's class id, with which its name begins."""
    return int(photo.name.partition("_")[0])


def held_out(photos: Sequence[Path]) -> list[Path]:
    """Return every fourth photo: nothing is fitted or trained on these."""
    return list(photos[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])


def for_fitting(photos: Sequence[Path]) -> list[Path]:
    """Return the photos that may be fitted to."""
    return [photo for index, photo in enumerate(photos) if (index + 1) % HELD_OUT_EVERY]
