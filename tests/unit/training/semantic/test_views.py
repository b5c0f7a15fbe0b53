"""Labelled pictures: which are held out, and views in which pixels and labels are changed alike."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.labelled import IGNORED, Labelled, labelled
from training.semantic.views import LABEL_SIDE, SIDE, Views, whole

CAT, BUS = 8, 6
COLOURS = {0: (20, 60, 20), CAT: (200, 40, 40), BUS: (40, 40, 220)}
"""Far enough apart that no change of colour mixes them."""


@pytest.fixture
def pictures(tmp_path: Path) -> list[Labelled]:
    """Two pictures, each with a square of a class whose colour tells it."""
    found = []
    for name, kind in (("a", CAT), ("b", BUS)):
        labels = np.zeros((150, 200), dtype=np.uint8)
        labels[50:110, 60:150] = kind
        labels[0:4] = IGNORED
        colours = np.zeros((*labels.shape, 3), dtype=np.uint8)
        for one, colour in COLOURS.items():
            colours[labels == one] = colour
        for folder, array, suffix in (("images", colours, "jpg"), ("masks", labels, "png")):
            (tmp_path / "voc" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(tmp_path / "voc" / folder / f"{name}.{suffix}")
        found.append(Labelled("voc", tmp_path / "voc" / "images" / f"{name}.jpg"))
    return found


def test_held_out_is_a_rule_of_the_name_alone() -> None:
    names = [
        Labelled("voc", Path(folder, f"{number:06}.jpg")) for folder in ("x", "y") for number in range(1000)
    ]
    held_out = [one.is_held_out for one in names]
    assert held_out[:1000] == held_out[1000:]
    assert 150 < sum(held_out[:1000]) < 230  # three sixteenths are 187
    assert not Labelled("voc", Path("2007_000032.jpg")).is_held_out
    assert Labelled("voc", Path("2007_000063.jpg")).is_held_out


def test_a_set_that_is_not_there_has_no_pictures() -> None:
    assert labelled("no such set", held_out=True) == []


def test_classes_are_those_of_people_without_background_and_ignored(pictures: list[Labelled]) -> None:
    assert [one.classes().tolist() for one in pictures] == [[CAT], [BUS]]


def test_pixels_and_labels_of_a_view_fit(pictures: list[Labelled]) -> None:
    views = Views(pictures, seed=1)
    for number in range(40):
        pixels, labels = views[number]
        assert (pixels.shape, labels.shape) == ((SIDE, SIDE, 3), (LABEL_SIDE, LABEL_SIDE))
        step = SIDE // LABEL_SIDE
        strongest = pixels[step // 2 :: step, step // 2 :: step].argmax(axis=2)
        expected = np.select([labels == CAT, labels == BUS], [0, 2], 1)
        alike = (strongest == expected)[labels != IGNORED].mean()
        assert alike > 0.97, number  # edges are mixed


def test_a_view_is_the_same_for_its_number(pictures: list[Labelled]) -> None:
    first, again, other = Views(pictures, 1)[3], Views(pictures, 1)[3], Views(pictures, 1)[4]
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)


def test_the_whole_picture_is_squashed(pictures: list[Labelled]) -> None:
    assert whole(pictures[0]).shape == (SIDE, SIDE, 3)
