"""Where people are in a picture, and how a mask overlaps with them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.labelled import IGNORED, Labelled
from evaluation.people import PERSON, cut_out, overlap, truth


def written(folder: Path, mask: Image.Image) -> Path:
    """The path of a picture whose mask lies beside it."""
    (folder / "masks").mkdir(parents=True)
    mask.save(folder / "masks" / "one.png")
    return folder / "images" / "one.jpg"


def test_a_cut_out_is_white_on_people(tmp_path: Path) -> None:
    picture = written(tmp_path, Image.fromarray(np.array([[True, False, True]])))
    assert truth(Labelled("people", picture)).tolist() == [[1, 0, 1]]


def test_of_classes_people_are_one_and_what_is_ignored_stays_so(tmp_path: Path) -> None:
    classes = np.array([[PERSON, 0, 8, IGNORED]], dtype=np.uint8)
    picture = written(tmp_path, Image.fromarray(classes))
    assert truth(Labelled("voc", picture)).tolist() == [[1, 0, 0, IGNORED]]


@pytest.mark.parametrize(
    ("mask", "expected"), [([1, 1, 1, 0], 1), ([1, 0, 1, 0], 1 / 2), ([1, 0, 0, 1], 1 / 3), ([0] * 4, 0)]
)
def test_overlap_is_intersection_over_union_of_what_is_known(mask: list[int], expected: float) -> None:
    known = np.array([[1, 1, IGNORED, 0], [0, 0, 0, 0]], dtype=np.uint8)
    ours = np.zeros((2, 4), dtype=np.bool_)
    ours[0] = mask
    assert overlap(known, ours) == pytest.approx(expected)


def test_nobody_and_nothing_found_is_all_right() -> None:
    assert overlap(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.bool_)) == 1


def test_a_kind_that_is_not_there_has_no_pictures() -> None:
    assert cut_out("no such kind", held_out=True) == []
