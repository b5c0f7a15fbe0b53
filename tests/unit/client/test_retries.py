"""When there is another attempt, and when it begins."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub import ServiceError
from modelhub.retries import (
    FIRST_PAUSE_S,
    LEAST_S,
    LONGEST_PAUSE_S,
    Attempts,
    retry_after_s,
    worth_another,
)


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def attempts(retries: int, timeout_s: float, chance: float = 1, clock: Clock | None = None) -> Attempts:
    return Attempts(retries, timeout_s, clock or Clock(), lambda: chance)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422, 302, 200])
def test_callers_faults_are_not_worth_another(status: int) -> None:
    assert not worth_another(ServiceError(status, status * 100, ""))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_worth_another(status: int) -> None:
    assert worth_another(ServiceError(status, status * 100, ""))


@pytest.mark.parametrize(
    ("failure", "is_worth"),
    [
        (httpx.ConnectError(""), True),
        (httpx.ReadError(""), True),
        (httpx.WriteError(""), True),
        (httpx.RemoteProtocolError(""), True),
        (httpx.ReadTimeout(""), False),
        (httpx.UnsupportedProtocol(""), False),
        (httpx.LocalProtocolError(""), False),
        (ValueError(""), False),
    ],
)
def test_connections_that_break_are_worth_another(failure: Exception, is_worth: bool) -> None:
    assert worth_another(failure) is is_worth


def test_pauses_double_up_to_a_longest() -> None:
    judge, busy = attempts(12, 1e6), ServiceError(503, 50301, "")
    pauses = [judge.pause_s(busy) for _ in range(12)]
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-3:] == [LONGEST_PAUSE_S] * 3
    assert judge.pause_s(busy) is None


def test_pauses_are_random_by_half() -> None:
    busy = ServiceError(503, 50301, "")
    assert attempts(1, 60, chance=0).pause_s(busy) == FIRST_PAUSE_S / 2


@given(
    retries=st.integers(0, 20),
    timeout_s=st.floats(0.001, 1e4),
    asked=st.lists(st.none() | st.floats(0, 1e4), min_size=25, max_size=25),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_all_attempts_begin_in_time_and_after_what_was_asked(
    retries: int, timeout_s: float, asked: list[float | None], chance: float
) -> None:
    clock = Clock()
    judge, began = attempts(retries, timeout_s, chance, clock), clock.now
    more = 0
    for after_s in asked:
        pause_s = judge.pause_s(ServiceError(429, 42901, "", after_s))
        if pause_s is None:
            break
        assert pause_s >= (after_s or 0)
        clock.now += pause_s
        more += 1
        assert clock.now < began + timeout_s
    assert more <= retries


def test_a_pause_that_leaves_no_time_is_not_begun() -> None:
    judge = attempts(3, 10)
    assert judge.pause_s(ServiceError(429, 42901, "", retry_after_s=10)) is None


def test_the_time_that_is_left_counts_down() -> None:
    clock = Clock()
    judge = attempts(3, 10, clock=clock)
    clock.now += 4
    assert judge.left_s() == 6
    clock.now += 7
    assert judge.left_s() == LEAST_S


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 17 ", 17),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("1e3", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
    ],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    assert retry_after_s({"Retry-After": text}) == seconds


def test_no_retry_after() -> None:
    assert retry_after_s({}) is None


@pytest.mark.parametrize(("offset_s", "seconds"), [(30, 30), (-30, 0)])
def test_retry_after_as_a_date(offset_s: int, seconds: float) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=offset_s)
    for text in (format_datetime(moment, usegmt=True), format_datetime(moment)):
        after_s = retry_after_s({"Retry-After": text})
        assert after_s is not None
        assert abs(after_s - seconds) < 5


@given(st.text(max_size=40))
def test_no_retry_after_is_an_error(text: str) -> None:
    after_s = retry_after_s({"Retry-After": text})
    assert after_s is None or after_s >= 0
