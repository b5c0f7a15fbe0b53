import asyncio
import itertools
from collections import Counter
from contextlib import ExitStack, suppress
from random import Random

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gateway.admission import SLOW_SERVICE_PLACES, Admission, Arrivals, Pace, while_connected
from gateway.errors import TooManyRequests


class Client:
    """Says nothing until it hangs up."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


SERVICES = ("ocr", "shelf_counting", "image_classification")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError])
def test_a_place_is_given_back_however_the_block_is_left(error: type[BaseException]) -> None:
    admission = Admission(1, 1, 4.0, 30.0, SERVICES)

    def leave() -> None:
        with admission.place("ocr"):
            assert admission.taken == 1
            raise error

    with pytest.raises(error):
        leave()
    assert admission.taken == 0


def test_who_finds_no_place_takes_none() -> None:
    admission = Admission(2, 2, 4.0, 30.0, SERVICES)
    with admission.place("ocr"), admission.place("shelf_counting"):
        for service in SERVICES:
            with pytest.raises(TooManyRequests), admission.place(service):
                pass
    assert admission.taken == 0


def test_no_service_takes_more_than_its_own_limit() -> None:
    admission = Admission(5, 2, 4.0, 30.0, SERVICES)
    with admission.place("ocr"), admission.place("ocr"):
        with pytest.raises(TooManyRequests):
            admission.check("ocr")
        admission.check("shelf_counting")


def fill(stack: ExitStack, admission: Admission, service: str) -> int:
    """Take places for `service` until it is refused; return their number."""
    taken = 0
    with suppress(TooManyRequests):
        while True:
            stack.enter_context(admission.place(service))
            taken += 1
    return taken


@pytest.mark.parametrize("order", list(itertools.permutations(SERVICES)))
def test_whatever_the_others_are_sent_every_service_has_a_place(order: tuple[str, ...]) -> None:
    admission = Admission(6, 6, 4.0, 30.0, SERVICES)
    with ExitStack() as stack:
        assert [fill(stack, admission, service) for service in order] == [4, 1, 1]
    assert admission.taken == 0


def test_places_taken_and_given_back_at_random_never_exceed_a_limit_and_never_leak() -> None:
    random = Random(6)
    admission = Admission(9, 4, 4.0, 30.0, SERVICES)
    held: list[tuple[str, ExitStack]] = []
    for _ in range(5000):
        if held and random.random() < 0.5:
            held.pop(random.randrange(len(held)))[1].close()
            continue
        service, stack = random.choice(SERVICES), ExitStack()
        with suppress(TooManyRequests):
            stack.enter_context(admission.place(service))
            held.append((service, stack))
        by_service = Counter(name for name, _ in held)
        assert admission.taken == len(held) <= 9
        assert max(by_service.values(), default=0) <= 4
    for _, stack in held:
        stack.close()
    assert admission.taken == 0


@pytest.mark.parametrize("gap_s", [0.01, 0.3, 7.0])
def test_the_pace_is_that_of_answers_while_there_is_work(gap_s: float) -> None:
    pace = Pace()
    assert pace.places(4) > 10**9
    now = 100.0
    for _ in range(80):
        now += 60.0  # without work
        pace.begin(now)
        for _ in range(3):
            now += gap_s
            pace.answered(now)
    assert pace.gap_s == pytest.approx(gap_s)
    assert pace.places(4) == pytest.approx(4 / gap_s)


def test_a_slow_first_answer_is_soon_forgotten() -> None:
    pace = Pace()
    pace.begin(0.0)
    for number in range(10):
        pace.answered(1.0 + number * 0.02)
    assert pace.gap_s < 0.12


def test_answers_that_come_in_bursts_count_with_the_time_between_them() -> None:
    pace = Pace()
    pace.begin(0.0)
    for burst in range(1, 41):
        for number in range(8):
            pace.answered(burst * 0.8 + number * 0.001)
    assert pace.gap_s == pytest.approx(0.1, rel=0.35)


def test_a_pace_follows_a_change_and_no_single_answer() -> None:
    pace = Pace()
    pace.begin(0.0)
    for number in range(1, 51):
        pace.answered(number * 0.1)
    pace.answered(5.0 + 2.0)
    assert 0.1 < pace.gap_s < 0.2
    for number in range(1, 101):
        pace.answered(7.0 + number * 2.0)
    assert pace.gap_s == pytest.approx(2.0, rel=0.05)


def test_a_slow_service_has_fewer_places_but_always_some(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("gateway.admission.time.monotonic", lambda: now[0])
    admission = Admission(40, 20, 4.0, 30.0, SERVICES)

    def answer(service: str, seconds: float) -> None:
        for _ in range(90):
            with admission.place(service):
                now[0] += seconds

    for service, seconds, places in (
        ("ocr", 1.5, SLOW_SERVICE_PLACES), ("ocr", 3.0, 2), ("ocr", 40.0, 1),
        ("shelf_counting", 0.5, 8), ("image_classification", 0.03, 20),
    ):  # fmt: skip
        answer(service, seconds)
        with ExitStack() as stack:
            assert fill(stack, admission, service) == pytest.approx(places, abs=places // 6)


@pytest.mark.parametrize(("others", "places"), [(16, SLOW_SERVICE_PLACES), (20, 1), (21, 1)])
def test_a_slow_service_has_one_place_where_others_hold_half_of_all(
    monkeypatch: pytest.MonkeyPatch, others: int, places: int
) -> None:
    now = [0.0]
    monkeypatch.setattr("gateway.admission.time.monotonic", lambda: now[0])
    admission = Admission(40, 30, 1.0, 30.0, SERVICES)
    with admission.place("ocr"):
        now[0] += 1.5
    with ExitStack() as stack:
        for _ in range(others):
            stack.enter_context(admission.place("image_classification"))
        assert fill(stack, admission, "ocr") == places


def test_failures_are_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("gateway.admission.time.monotonic", lambda: now[0])
    admission = Admission(40, 20, 4.0, 30.0, SERVICES)
    for seconds in [1.5] * 20 + [0.0] * 100:
        with suppress(ValueError), admission.place("ocr"):
            now[0] += seconds
            if not seconds:
                raise ValueError
    with ExitStack() as stack:
        assert fill(stack, admission, "ocr") == SLOW_SERVICE_PLACES


def test_bodies_are_bounded_in_number_and_in_bytes() -> None:
    arrivals = Arrivals(2, 100)
    with arrivals.body("ocr") as first, arrivals.body("ocr") as second:
        with pytest.raises(TooManyRequests), arrivals.body("ocr"):
            pass
        first.grow(60)
        second.grow(40)
        with pytest.raises(TooManyRequests):
            second.grow(1)
        assert second.size == 40
    with arrivals.body("ocr") as third:
        third.grow(100)


async def test_nothing_leaks_when_requests_are_cancelled_at_any_moment() -> None:
    admission = Admission(50, 50, 4.0, 30.0, SERVICES)

    async def work() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def request() -> None:
        with admission.place("ocr"):
            await while_connected(Client().receive, work())

    for turns in range(12):
        tasks = [asyncio.create_task(request()) for _ in range(20)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert admission.taken == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_result_of_the_work_is_returned() -> None:
    async def work() -> int:
        return 7

    assert await while_connected(Client().receive, work()) == 7


async def test_the_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very one
        await while_connected(Client().receive, work())


async def test_hanging_up_cancels_the_work_and_waits_for_its_end() -> None:
    client = Client()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.set()

    asyncio.get_running_loop().call_later(0.01, client.gone.set)
    with pytest.raises(ClientDisconnect):
        await while_connected(client.receive, work())
    assert ended.is_set()


async def test_work_that_fails_while_it_is_cancelled_is_no_stray_error() -> None:
    client = Client()
    client.gone.set()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError from None

    with pytest.raises(ClientDisconnect):
        await while_connected(client.receive, work())
