"""Series, ratios and turns: what the comparison is made of."""

import io
import threading
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench.peers.report import OURS, Comparison, comparison_table
from bench.peers.rounds import Series, in_turn, timed
from bench.speed import rate

POSITIVE = st.floats(0.1, 1e4)
RATES = st.lists(POSITIVE, min_size=1, max_size=9)


@given(RATES, RATES)
def test_figures_of_a_series(rates: list[float], times: list[float]) -> None:
    series = Series(rates, times)
    assert min(rates) <= series.rate <= max(rates)
    assert series.spread == pytest.approx((max(rates) - min(rates)) / np.median(rates))
    assert min(times) - 1e-9 <= series.p99_ms <= max(times) + 1e-9


@given(st.lists(POSITIVE, min_size=3, max_size=3), st.lists(POSITIVE, min_size=3, max_size=3))
def test_the_better_peer_counts(rates: list[float], times: list[float]) -> None:
    """Even where one peer has the higher rate and the other the lower p99."""
    names = (OURS, "one", "other")
    series = {name: Series([a], [b]) for name, a, b in zip(names, rates, times, strict=True)}
    row = Comparison("ocr", 4, series)
    assert row.rate_ratio == pytest.approx(rates[0] / max(rates[1:]))
    assert row.p99_ratio == pytest.approx(times[0] / min(times[1:]))


@pytest.mark.parametrize(("ours", "missed"), [(10.0, 0), (9.0, 1)])
def test_the_table_says_what_is_missed(ours: float, missed: int) -> None:
    series = {OURS: Series([ours], [5.0]), "one": Series([10.0], [5.0]), "other": Series([1.0], [9.0])}
    console = Console(width=200, file=io.StringIO())
    with console.capture() as printed:
        console.print(comparison_table([Comparison("ocr", 1, series)]))
    assert "ocr" in printed.get()
    assert printed.get().count("missed") == missed


@given(st.integers(1, 5), st.integers(1, 20))
def test_everybody_goes_first_equally_often(count: int, turns: int) -> None:
    servers = [str(number) for number in range(count)]
    orders = [in_turn(servers, turn) for turn in range(turns * count)]
    assert all(sorted(order) == servers for order in orders)
    assert set(Counter(order[0] for order in orders).values()) == {turns}


def test_a_timed_call_adds_its_milliseconds_and_returns_the_answer() -> None:
    times: list[float] = []
    call = timed(lambda image: time.sleep(0.02) or image[::-1], times)  # type: ignore[func-returns-value]
    assert call(b"ab") == b"ba"
    assert len(times) == 1
    assert times[0] >= 20


def test_a_failed_call_is_no_measurement() -> None:
    times: list[float] = []

    def refuse(_image: bytes) -> object:
        raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        rate([timed(refuse, times)] * 3, [b"a"], 9)
    assert times == []


@given(st.integers(1, 6), st.integers(1, 60), st.integers(1, 5))
def test_every_request_is_made_once_whoever_is_free(callers: int, count: int, pictures: int) -> None:
    asked: Counter[bytes] = Counter()
    lock = threading.Lock()

    def call(image: bytes) -> object:
        with lock:
            asked[image] += 1
        return b""

    images = [bytes([number]) for number in range(pictures)]
    assert rate([call] * callers, images, count) > 0
    assert asked == Counter(images[index % pictures] for index in range(count))


def test_a_slow_caller_leaves_its_share_to_the_others() -> None:
    made = Counter[str]()

    def caller(name: str, seconds: float) -> object:
        def call(_image: bytes) -> object:
            time.sleep(seconds)
            made[name] += 1
            return b""

        return call

    rate([caller("slow", 0.2), caller("fast", 0.001)], [b"a"], 40)  # type: ignore[list-item]
    assert made["fast"] > 3 * made["slow"]
