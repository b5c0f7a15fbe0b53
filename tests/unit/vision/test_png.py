"""PNG files as another reader sees them."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vision.png import png_file

MODES = {"1": np.bool_, "L": np.uint8}


@pytest.mark.parametrize("mode", MODES)
def test_random_pixels_are_read_back(mode: str) -> None:
    random = np.random.default_rng(8)
    most = {"1": 2, "L": 256}[mode]
    for _ in range(200):
        pixels: Any = random.integers(0, most, random.integers(1, 40, 2)).astype(MODES[mode])
        with Image.open(io.BytesIO(png_file(pixels))) as image:
            image.load()
            assert image.format == "PNG"
            assert image.mode == mode
            assert np.array_equal(np.asarray(image), pixels)


def test_pixels_need_not_lie_in_one_piece() -> None:
    pixels = np.arange(200, dtype=np.uint8).reshape(10, 20)[::2, ::3]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_file(pixels)))), pixels)


def test_a_smooth_map_is_a_hundredth_of_its_pixels() -> None:
    pixels = np.repeat(np.linspace(0, 255, 1000).astype(np.uint8)[:, None], 1000, axis=1)
    assert len(png_file(pixels)) < pixels.size / 100
