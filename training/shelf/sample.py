"""Draws the shelf of the demo and of the tests: `python -m training.shelf.sample`."""

from PIL import Image

from evaluation.picture_files import encoded
from evaluation.shelves.renderer import FIRST_EVALUATION_SEED, Shelf, render_shelf
from export.paths import PROJECT

SAMPLE = PROJECT / "client" / "samples" / "shelf.jpg"
SEED = FIRST_EVALUATION_SEED + 909
"""A shelf of 301 drinks, 68 products, that no training and none of the first evaluations draw."""
QUALITY = 66


def sample() -> tuple[bytes, Shelf]:
    """Return the JPEG file, and what is on it."""
    shelf = render_shelf(SEED)
    return encoded(Image.fromarray(shelf.picture), "JPEG", quality=QUALITY), shelf


if __name__ == "__main__":
    SAMPLE.parent.mkdir(exist_ok=True)
    SAMPLE.write_bytes(sample()[0])
