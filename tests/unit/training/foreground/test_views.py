"""Views in which pixels and truths are changed alike, and whom nobody labelled."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("torch")

from evaluation.labelled import IGNORED, Labelled
from training.foreground.net import SELFIE_SIDE, SIDE
from training.foreground.views import SHARES, Lesson, Lessons, Views

RED, GREEN = (200, 40, 40), (20, 160, 20)
"""People and all else: far enough apart that no change of colour mixes them."""


def picture(folder: Path, name: str, mask: NDArray[np.bool_]) -> Labelled:
    """A red square of people on green."""
    for part, pixels in (("images", np.where(mask[..., None], RED, GREEN).astype(np.uint8)), ("masks", mask)):
        (folder / part).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / part / f"{name}.{'jpg' if part == 'images' else 'png'}")
    return Labelled("people", folder / "images" / f"{name}.jpg")


@pytest.fixture
def lessons(tmp_path: Path) -> Lessons:
    mask = np.zeros((150, 200), dtype=np.bool_)
    mask[50:110, 60:150] = True
    found = Lessons(chosen_by=False)
    with_people = Lesson(picture(tmp_path, "someone", mask))
    found.with_people = {name: [with_people] for name in SHARES}
    found.without = [Lesson(picture(tmp_path, "nobody", mask & False), is_without=True)]
    return found


def test_pixels_and_truth_of_a_view_fit(lessons: Lessons) -> None:
    views, shares = Views(lessons, seed=1), []
    for number in range(40):
        pixels, truth = views[number]
        assert (pixels.shape, truth.shape) == ((SIDE, SIDE, 3), (SELFIE_SIDE, SELFIE_SIDE))
        small = np.asarray(Image.fromarray(pixels).resize((SELFIE_SIDE, SELFIE_SIDE))).astype(int)
        if np.ptp(small, axis=2).max() > 20:  # not grey
            assert ((small[..., 0] > small[..., 1]) == truth).mean() > 0.98, number
        shares.append(truth.mean())
    assert {share > 0 for share in shares} == {True, False}


def test_a_view_is_the_same_for_its_number(lessons: Lessons) -> None:
    first, again, other = Views(lessons, 1)[3], Views(lessons, 1)[3], Views(lessons, 1)[5]
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)


def test_nothing_is_learned_where_another_detector_sees_whom_nobody_labelled(tmp_path: Path) -> None:
    mask = np.zeros((100, 100), dtype=np.bool_)
    mask[20:80, 10:40] = True
    one = picture(tmp_path, "two", mask)
    lesson = Lesson(one, ((0.1, 0.2, 0.4, 0.8, 0.9), (0.6, 0.2, 0.9, 0.8, 0.9)))
    truth = np.asarray(lesson.loaded()[1])
    assert (truth[20:80, 60:90] == IGNORED).all()
    assert ((truth == 1) == mask).all()
    assert (truth[:, 90:] == 0).all()
