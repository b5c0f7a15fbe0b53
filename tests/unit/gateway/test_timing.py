import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.timing import STAGES, Timing, timing_of
from vision.stage_times import STAGE_TIMES

MOMENT = 1_800_000_000_000_000_000
moments = st.integers(MOMENT - 10**12, MOMENT + 10**12)


def test_every_stage_is_between_two_moments() -> None:
    timing = Timing()
    now = time.time_ns()
    times = np.array([now - 70_000_000, now - 50_000_000, now - 20_000_000, now - 10_000_000])
    outputs = {STAGE_TIMES: times, "class": np.zeros(1)}
    with timing.fetching():
        time.sleep(0.002)
    timing.record_triton(outputs, now - 75_000_000, now)
    with timing.drawing():
        time.sleep(0.002)
    timing.begin_answer()
    seconds = timing.seconds()
    assert seconds["draw"] >= 0.002
    assert list(outputs) == ["class"]
    assert tuple(seconds) == (*STAGES, "total")
    assert seconds["fetch"] >= 0.002
    expected = {"queue": 0.005, "preprocess": 0.02, "net": 0.03, "postprocess": 0.01}
    assert {name: seconds[name] for name in expected} == pytest.approx(expected)
    assert 0.01 <= seconds["encode"] < 1
    assert seconds["total"] >= seconds["fetch"]


@pytest.mark.parametrize("shape", [(4,), (1, 4)])
def test_the_header_is_in_milliseconds(shape: tuple[int, ...]) -> None:
    timing = Timing()
    times = np.array([MOMENT + ms * 1_000_000 for ms in (1, 3, 6, 10)]).reshape(shape)
    timing.record_triton({STAGE_TIMES: times}, MOMENT, MOMENT + 15_000_000)
    assert timing.header() == "queue;dur=1.0, preprocess;dur=2.0, net;dur=3.0, postprocess;dur=4.0"
    timing.begin_answer()
    assert re.fullmatch(r".*, encode;dur=\d+\.\d, total;dur=\d+\.\d", timing.header())


@given(st.lists(moments, min_size=4, max_size=4), moments, moments)
def test_clocks_that_disagree_make_no_stage_negative(times: list[int], sent: int, received: int) -> None:
    timing = Timing()
    timing.record_triton({STAGE_TIMES: np.array(times)}, sent, received)
    timing.begin_answer()
    assert min(timing.seconds().values()) >= 0
    assert "-" not in timing.header()


def test_an_ensemble_that_tells_no_times_is_a_net() -> None:
    timing = Timing()
    timing.record_triton({}, MOMENT, MOMENT + 7_000_000)
    assert timing.seconds() == {"net": pytest.approx(0.007)}


def test_a_fetch_that_fails_took_its_time() -> None:
    timing = Timing()
    with pytest.raises(KeyError), timing.fetching():
        raise KeyError
    timing.begin_answer()
    assert set(timing.seconds()) == {"fetch", "total"}


def test_a_request_has_one_timing() -> None:
    one: dict[str, object] = {"type": "http"}
    assert timing_of(one) is timing_of(one)
    assert timing_of(one) is not timing_of({"type": "http"})
