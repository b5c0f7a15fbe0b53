import numpy as np
import pytest
from numpy.typing import NDArray

from bench.ocr_parity import Difference, ReadLine, compare, corner_distance, pair_lines


def box(left: float, top: float, width: float = 100, height: float = 20) -> NDArray[np.float64]:
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def test_the_same_reading_is_wholly_alike() -> None:
    reading = {"a": [ReadLine("one", box(0, 0)), ReadLine("two", box(0, 50))], "empty": []}
    parity = compare(reading, reading)
    assert (parity.lines, parity.alike, parity.share_alike) == (2, 2, 1.0)
    assert parity.corner_distances.tolist() == [0, 0]
    assert parity.differences == []


def test_missing_extra_and_misread_lines_all_count() -> None:
    reference = {"a": [ReadLine("one", box(0, 0)), ReadLine("two", box(0, 50)), ReadLine("x", box(0, 90))]}
    ours = {"a": [ReadLine("one", box(1, 0)), ReadLine("twp", box(0, 50)), ReadLine("new", box(300, 0))]}
    parity = compare(reference, ours)
    assert (parity.lines, parity.alike) == (4, 1)
    assert set(parity.differences) == {
        Difference("a", "two", "twp"),
        Difference("a", "x", None),
        Difference("a", None, "new"),
    }
    assert parity.corner_distances.tolist() == [1, 0]


def test_what_the_reference_alone_reads_wrongly_does_not_count() -> None:
    reference = {"a": [ReadLine("%666", box(0, 0)), ReadLine("No.1", box(0, 50)), ReadLine("x", box(0, 90))]}
    ours = {"a": [ReadLine("99.9%", box(0, 0)), ReadLine("No. 2", box(0, 50)), ReadLine("y", box(0, 90))]}
    parity = compare(reference, ours, ("99.9 %", "No. 1"))
    assert (parity.lines, parity.alike) == (2, 0)
    assert {one.ours for one in parity.differences if one.reference_is_wrong} == {"99.9%"}


def test_partners_are_the_best_overall_not_the_first() -> None:
    reference = [ReadLine("left", box(0, 0)), ReadLine("right", box(30, 0))]
    ours = [ReadLine("left", box(-5, 0)), ReadLine("right", box(10, 0))]
    texts = [(one and one.text, other and other.text) for one, other in pair_lines(reference, ours)]
    assert texts == [("left", "left"), ("right", "right")]


def test_lines_that_hardly_overlap_are_no_partners() -> None:
    pairs = pair_lines([ReadLine("a", box(0, 0))], [ReadLine("a", box(40, 0))])
    assert pairs == [(pairs[0][0], None), (None, pairs[1][1])]


def test_the_first_corner_does_not_matter_for_distance() -> None:
    assert corner_distance(box(0, 0), np.roll(box(3, 4), 2, axis=0)) == 5


def test_no_lines_are_wholly_alike() -> None:
    assert compare({"a": []}, {"a": []}).share_alike == 1


def test_readings_of_different_pictures_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="different pictures"):
        compare({"a": []}, {"b": []})
