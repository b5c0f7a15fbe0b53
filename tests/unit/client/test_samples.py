"""The sample kept with the project is the one that is drawn: tests take from the drawing what it shows."""

import io

import numpy as np
from PIL import Image

from training.shelf.sample import SAMPLE, sample


def test_the_shelf_is_what_is_drawn() -> None:
    file, shelf = sample()
    with Image.open(SAMPLE) as kept, Image.open(io.BytesIO(file)) as drawn:
        assert kept.size == drawn.size
        assert np.abs(np.asarray(kept).astype(int) - np.asarray(drawn)).mean() < 1
    assert len(shelf.boxes) >= 300
    assert SAMPLE.stat().st_size < 200_000
