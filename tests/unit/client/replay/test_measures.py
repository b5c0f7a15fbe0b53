"""Tolerances as words of a command line."""

import math

import pytest

from modelhub.replay.measures import DEFINITIONS, Measure, ToleranceError, tolerances


def test_without_words_they_are_those_of_the_definitions() -> None:
    assert tolerances() == {name: one.tolerance for name, one in DEFINITIONS.items()}


def test_a_word_changes_one() -> None:
    assert tolerances(["mask=0.5", "class=1"]) == {**tolerances(), "mask": 0.5, "class": 1}


@pytest.mark.parametrize(
    "word", ["mask", "mask=", "mask=x", "mask=-1", "mask=nan", "mask=inf", "masks=1", "=1", ""]
)
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(ToleranceError):
        tolerances([word])


@pytest.mark.parametrize(
    ("value", "tolerance", "alike", "excess"),
    [(0, 0, True, 0), (1, 0, False, math.inf), (2, 2, True, 1), (3, 2, False, 1.5), (0, 2, True, 0)],
)
def test_a_value_is_alike_up_to_its_tolerance(
    value: float, tolerance: float, alike: bool, excess: float
) -> None:
    one = Measure("mask", value, tolerance)
    assert (one.alike, one.excess) == (alike, excess)
