"""The level finds what a server takes, with a clock that stands still or is moved by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.bulk.level import FALL, FIRST, PROBE_AFTER_S, START, WAITING, Level


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def filled(level: Level) -> list[int]:
    """Send as much as may be sent."""
    tickets = []
    while level.opens_in_s() == 0:
        tickets.append(level.sent())
    return tickets


def a_round(level: Level) -> None:
    """Answer all that is in flight, one by one, and send as much as may be after each."""
    for _ in range(level.in_flight):
        level.answered(1.0)
        filled(level)


def warm(most: int, clock: Clock) -> Level:
    """A level that has seen its first answers."""
    level = Level(most, clock)
    for _ in range(FIRST):
        level.sent()
        level.answered(1.0)
    return level


def test_it_begins_with_a_few_and_rises_by_one_in_a_round_of_answers() -> None:
    level = warm(100, Clock())
    assert len(filled(level)) == START
    for _ in range(40):
        before = level.limit
        a_round(level)
        assert before <= level.in_flight == level.limit <= before + 1
    assert level.limit > 5 * START


def test_it_does_not_rise_before_it_knows_how_long_answers_take() -> None:
    level = Level(100, Clock())
    for _ in range(FIRST - 1):
        filled(level)
        level.answered(1.0)
    assert level.limit == START


def test_it_does_not_rise_where_it_bounds_nothing() -> None:
    level = Level(100, Clock())
    for _ in range(50):
        level.sent()
        level.answered(1.0)
    assert level.limit == START


@pytest.mark.parametrize("most", [1, 2, 3, 16])
def test_it_never_exceeds_the_most(most: int) -> None:
    level = Level(most, Clock())
    filled(level)
    for _ in range(60):
        a_round(level)
        assert level.in_flight <= most
    assert level.limit == most


@pytest.mark.parametrize("parallel", [1, 2, 4, 12, 50])
def test_it_stops_where_more_would_only_wait(parallel: int) -> None:
    """A server that works on so many at a time: of more, each takes longer."""
    level = Level(200, Clock())
    for _ in range(3000):
        filled(level)
        level.answered(max(1.0, level.in_flight / parallel))
    assert level.limit <= max(START, parallel) + WAITING + 2
    assert level.limit >= min(parallel, 200)


def test_refusals_of_one_round_lower_it_once_and_of_the_next_again() -> None:
    clock = Clock()
    level = warm(16, clock)
    tickets = filled(level)
    while level.limit < 16:
        level.answered(1.0)
        tickets = [*tickets[1:], *filled(level)]
    assert len(tickets) == level.limit == 16
    for ticket in tickets:
        level.refused(ticket, 1.0)
    assert level.limit == int(15 * FALL)
    clock.now = 1.0
    for ticket in filled(level):
        level.refused(ticket, 1.0)
    assert level.limit == int((int(15 * FALL) - 1) * FALL)


def test_after_a_refusal_it_rises_by_one_in_a_round() -> None:
    clock = Clock()
    level = warm(16, clock)
    level.refused(filled(level)[-1], 1.0)
    assert level.limit == 2
    clock.now = PROBE_AFTER_S
    while level.in_flight:
        level.answered(1.0)
    filled(level)
    for _ in range(20):
        before = level.limit
        a_round(level)
        assert before <= level.limit <= before + 1
    assert level.limit > START


def test_what_was_refused_is_tried_again_only_after_a_while() -> None:
    clock = Clock()
    level = warm(16, clock)
    level.refused(filled(level)[-1], 1.0)
    clock.now = PROBE_AFTER_S - 0.1
    for _ in range(50):
        a_round(level)
        filled(level)
    assert level.limit == START - 1
    clock.now = PROBE_AFTER_S
    for _ in range(8):
        a_round(level)
    assert level.limit > START - 1


def test_who_is_refused_alone_sends_nothing_before_the_time_that_was_asked_for() -> None:
    clock = Clock()
    level = Level(1, clock)
    level.refused(level.sent(), 2.5)
    assert level.opens_in_s() == 2.5
    clock.now = 2.4
    assert level.opens_in_s() == pytest.approx(0.1)
    clock.now = 2.5
    assert level.opens_in_s() == 0


def test_a_failure_that_tells_nothing_of_the_load_changes_nothing_but_the_count() -> None:
    level = Level(8, Clock())
    level.sent()
    level.over()
    assert (level.limit, level.in_flight) == (START, 0)


def test_who_is_refused_beside_others_goes_on_with_fewer() -> None:
    level = Level(8, Clock())
    tickets = filled(level)
    level.refused(tickets[-1], 5.0)
    level.answered(1.0)
    assert level.opens_in_s() is None
    level.answered(1.0)
    assert level.opens_in_s() == 0


@given(capacity=st.integers(1, 40), most=st.integers(1, 64), requests=st.integers(1, 400), data=st.data())
def test_a_server_with_any_number_of_places_answers_everything(
    capacity: int, most: int, requests: int, data: st.DataObject
) -> None:
    """Whoever finds no place is refused at once: all are answered, and few tries are wasted."""
    clock = Clock()
    level = Level(most, clock)
    chance = data.draw(st.randoms(use_true_random=False))
    waiting, working, refusals = requests, 0, 0
    while waiting or working:
        opens_in_s = level.opens_in_s()
        if waiting and opens_in_s == 0:
            ticket = level.sent()
            assert level.in_flight <= most
            if working < capacity:
                working, waiting = working + 1, waiting - 1
            else:
                refusals += 1
                level.refused(ticket, 1.0)
        elif working and (opens_in_s is None or chance.random() < 0.9 or not waiting):
            working -= 1
            level.answered(1.0)
        else:
            assert opens_in_s is not None, "nothing is in flight, and nothing may be sent"
            clock.now += opens_in_s
    assert level.in_flight == 0
    # One wave finds the number of places; then one probe, of at most two, in a while.
    assert refusals <= 2 * most + 2 * (1 + clock.now / PROBE_AFTER_S)
