import numpy as np
import pytest

from tests.unit.vision.ocr.examples import ANGLE
from vision.ocr.ctc import Line
from vision.ocr.direction import Sizes, may_stand_or_lie, share_upside_down, standing, surest, witnesses


def sizes(*pairs: tuple[int, int]) -> Sizes:
    return np.array(pairs)


def line(text: str, score: float) -> Line:
    return Line(text, np.zeros(len(text), dtype=np.int32), score)


@pytest.mark.parametrize(("others", "stands"), [((300, 20), False), ((20, 300), True)])
def test_a_short_line_stands_where_the_page_does(others: tuple[int, int], stands: bool) -> None:
    assert standing(sizes(others, (24, 20), (20, 24)), ANGLE).tolist() == [stands] * 3


@pytest.mark.parametrize(("height", "stands"), [(30, True), (29, False)])
def test_a_line_alone_stands_by_its_shape(height: int, stands: bool) -> None:
    assert standing(sizes((20, height)), ANGLE).tolist() == [stands]


def test_long_lines_stand_by_their_own_shape_on_any_page() -> None:
    assert standing(sizes((300, 20), (300, 20), (20, 200)), ANGLE).tolist() == [False, False, True]


def test_what_is_short_may_stand_or_lie() -> None:
    assert may_stand_or_lie(sizes((59, 20), (60, 20), (20, 59), (20, 60)), ANGLE).tolist() == [1, 0, 1, 0]


def test_no_line_has_more_than_one_vote() -> None:
    probs = np.array([0.9, 0.1, 0.1], dtype=np.float32)
    long = share_upside_down(probs, sizes((9000, 20), (200, 20), (200, 20)), ANGLE)
    assert long == pytest.approx(1 / 3)
    assert share_upside_down(probs, sizes((100, 20), (200, 20), (200, 20)), ANGLE) == pytest.approx(1 / 5)


def test_lines_of_middle_length_are_read_both_ways() -> None:
    assert witnesses(sizes((2000, 20), *[(180, 20)] * 9, (20, 20)), ANGLE) == list(
        range(1, 1 + ANGLE.witnesses)
    )


@pytest.mark.parametrize(
    ("own", "other", "direction"),
    [
        (line("poob", 0.97), line("good", 0.999), 0),  # a few letters: the page knows better
        (line("poob", 0.6), line("good", 0.999), 2),
        (line("99 90/", 0.81), line("706 66", 0.99), 0),  # digits are digits on their head, too
        (line("pue uaaj8", 0.7), line("green and", 0.99), 2),
        (line("green and", 0.85), line("pue uaaj8", 0.8), 0),
        (line("", 0.0), line("", 0.0), 0),
    ],
)
def test_another_direction_must_be_surer_by_a_margin(own: Line, other: Line, direction: int) -> None:
    assert surest({2: other, 0: own}, 0, ANGLE) == direction
