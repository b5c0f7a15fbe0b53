"""What is tried again, how often, and what ends a run."""

import httpx
import pytest

from modelhub.bulk.patience import (
    GIVE_UP_S,
    LONGEST_PAUSE_S,
    TRIES,
    TRIES_OF_A_FAULT,
    Failure,
    Patience,
    Verdict,
)
from modelhub.errors import ServiceError

BROKEN = httpx.ConnectError("refused")
LATE = httpx.ReadTimeout("no answer")


def patience(last_answer: float = 0.0) -> Patience:
    """Of a picture that is tried at one moment, 0."""
    return Patience(lambda: 0.0, lambda: last_answer)


def test_a_busy_server_is_waited_for_without_end_and_as_long_as_it_asks() -> None:
    patient = patience()
    pauses = [patient.judge(ServiceError(429, 42901, "busy", 3.0)) for _ in range(1000)]
    assert {verdict for verdict, _ in pauses} == {Verdict.BUSY}
    assert all(3.0 <= pause_s <= LONGEST_PAUSE_S for _, pause_s in pauses)
    assert pauses[0][1] == 3.0
    assert pauses[-1][1] == LONGEST_PAUSE_S


def test_a_busy_server_that_names_no_time_is_left_alone_for_a_while() -> None:
    assert patience().judge(ServiceError(429, 42901, "busy", None))[1] >= 0.5


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (ServiceError(503, 50301, "not loaded"), TRIES),
        (ServiceError(504, 50401, "late"), TRIES),
        (ServiceError(502, 50200, "a proxy's page"), TRIES),
        (ServiceError(500, 50001, "a fault"), TRIES_OF_A_FAULT),
        (BROKEN, TRIES),
        (httpx.RemoteProtocolError("cut"), TRIES),
        (LATE, TRIES_OF_A_FAULT),
    ],
)
def test_what_the_server_did_not_manage_is_tried_again_a_bounded_number_of_times(
    failure: Failure, tries: int
) -> None:
    patient = patience(last_answer=1.0)
    verdicts = [patient.judge(failure)[0] for _ in range(tries)]
    assert verdicts == [Verdict.AGAIN] * (tries - 1) + [Verdict.FINAL]


def test_the_pauses_outlast_a_server_that_starts_again() -> None:
    patient = patience()
    assert sum(patient.judge(BROKEN)[1] for _ in range(TRIES)) > 30


def test_a_run_ends_where_nothing_was_answered_in_all_the_tries_of_a_picture() -> None:
    patient = patience(last_answer=-1.0)
    assert [patient.judge(BROKEN)[0] for _ in range(TRIES)][-1] is Verdict.HOPELESS


def test_a_run_ends_where_the_server_was_silent_for_long_whoever_was_tried() -> None:
    patient = patience(last_answer=-GIVE_UP_S)
    assert [patient.judge(BROKEN)[0] for _ in range(2)] == [Verdict.AGAIN, Verdict.HOPELESS]


@pytest.mark.parametrize("code", [40001, 40002, 40003, 40004, 40005, 41301, 41302, 42201])
def test_a_bad_picture_is_not_sent_again(code: int) -> None:
    assert patience().judge(ServiceError(code // 100, code, "bad")) == (Verdict.FINAL, 0.0)


@pytest.mark.parametrize("code", [40101, 40401, 40501])
def test_what_is_wrong_with_every_request_ends_the_run_at_once(code: int) -> None:
    assert patience(last_answer=1.0).judge(ServiceError(code // 100, code, "no"))[0] is Verdict.HOPELESS
