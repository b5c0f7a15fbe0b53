"""Counts of a run."""

import math
from random import Random

import httpx
import numpy as np
import pytest

from modelhub.bulk.run import NotDone
from modelhub.bulk.tally import Tally, explanation
from modelhub.errors import ServiceError


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101])
def test_percentiles_are_by_nearest_rank(count: int) -> None:
    tally, chance = Tally(), Random(count)
    seconds = [chance.random() for _ in range(count)]
    for one in seconds:
        tally.answered(one)
    for share in (0.5, 0.99):
        expected = np.percentile(seconds, share * 100, method="inverted_cdf") * 1e3
        assert tally.percentile_ms(share) == pytest.approx(expected)


def test_the_summary_names_what_failed_by_its_code() -> None:
    tally = Tally()
    for _ in range(3):
        tally.answered(0.1)
    for name in "ab":
        tally.failed(name, ServiceError(400, 40004, "not an image"))
    tally.failed("c", httpx.ConnectError("refused"))
    tally.failed("d", NotDone("cannot be read: No such file or directory"))
    assert tally.summary(1.5) == (
        "3 answered in 1.5 s (2.0/s); p50 100 ms, p99 100 ms; "
        "4 failed (2 x 40004, 1 x no answer, 1 x not done)"
    )
    assert tally.failures[0] == ("a", "40004: not an image")
    assert tally.done == 7


def test_nothing_answered_has_no_percentiles() -> None:
    assert math.isnan(Tally().percentile_ms(0.5))
    assert Tally().summary(0.0) == "0 answered in 0.0 s (0.0/s)"


def test_a_failure_without_words_is_named_by_its_kind() -> None:
    assert explanation(httpx.ReadTimeout("")) == "ReadTimeout"
