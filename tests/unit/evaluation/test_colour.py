"""The figures of colouring, against known colours."""

import numpy as np
import pytest

from evaluation.colour import ColourErrors, lab
from vision.tensors import Picture


def plain(*colour: int) -> Picture:
    return np.full((2, 3, 3), colour, dtype=np.uint8)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((128, 128, 128), (53.585, 0, 0)),
        ((255, 0, 0), (53.241, 80.092, 67.203)),
        ((0, 255, 0), (87.735, -86.183, 83.180)),
        ((0, 0, 255), (32.297, 79.188, -107.860)),
        ((5, 4, 6), (1.195, 0.540, -0.665)),
    ],
)
def test_lab_of_known_colours(colour: tuple[int, ...], expected: tuple[float, ...]) -> None:
    """sRGB under D65, as published for the primaries; the last is on the straight parts of both curves."""
    assert lab(plain(*colour)) == pytest.approx(np.tile(expected, (2, 3, 1)), abs=0.02)


def test_grey_has_all_of_the_error_and_the_truth_none() -> None:
    truth = plain(200, 40, 90)
    grey = ColourErrors.of(plain(90, 90, 90), truth)
    assert grey.error_ratio == pytest.approx(1, abs=1e-4)
    assert grey.vividness == pytest.approx(0, abs=1e-4)
    same = ColourErrors.of(truth, truth)
    assert (same.error_ratio, same.vividness) == (0, 1)


def test_every_pixel_of_every_picture_weighs_the_same() -> None:
    red, grey = plain(255, 0, 0), plain(128, 128, 128)
    large, small = ColourErrors.of(red, red), ColourErrors.of(grey[:1, :2], red[:1, :2])
    total = ColourErrors.total([large, small])
    assert total.pixels == 8
    assert total.error_ratio == pytest.approx(2 / 8, abs=1e-4)
    assert total.vividness == pytest.approx(6 / 8, abs=1e-4)
