"""A run over requests, without a network: what is sent, held, dropped and told."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import pytest

from modelhub.bulk import patience
from modelhub.bulk.run import HELD_PER_JOB, NotDone, OutOfRoom, Reason, Run, Work
from modelhub.errors import ServiceError
from modelhub.http import Answer

BUSY = ServiceError(429, 42901, "busy", 1.0)
ANSWER: Answer = {"success": True}
Ask = Callable[[int], Awaitable[Answer]]


class Watched:
    """A run over whole numbers that counts what it does; pauses end at once."""

    def __init__(self, ask: Ask, jobs: int) -> None:
        self.answered: Counter[int] = Counter()
        self.failed: dict[int, Reason] = {}
        self.pauses: list[float] = []
        self.held = self.most_held = 0
        self._ask = ask
        self.finish: Callable[[int], Awaitable[None]] | None = None
        self.unreadable: set[int] = set()
        self.run = Run(Work(self._load, ask, self._finish, self._fail), jobs, sleep=self._sleep)

    async def over(self, count: int) -> None:
        async with asyncio.timeout(20):
            await self.run.over(range(count))

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def _load(self, request: int) -> int:
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        await asyncio.sleep(0)
        if request in self.unreadable:
            raise NotDone("cannot be read")
        return request

    async def _finish(self, request: int, contents: int, answer: Answer, seconds: float) -> None:
        assert request == contents
        assert answer is ANSWER
        assert seconds >= 0
        if self.finish is not None:
            await self.finish(request)
        self.answered[request] += 1
        self.held -= 1

    def _fail(self, request: int, reason: Reason) -> None:
        self.failed[request] = reason
        self.held -= 1


async def at_once(request: int) -> Answer:
    await asyncio.sleep(0)
    return ANSWER


async def test_every_request_is_answered_once_and_few_are_held_at_a_time() -> None:
    watched = Watched(at_once, jobs=5)
    await watched.over(500)
    assert watched.answered == Counter(range(500))
    assert 1 < watched.most_held <= HELD_PER_JOB * 5


async def test_pictures_are_held_back_while_answers_wait_to_be_drawn() -> None:
    watched = Watched(at_once, jobs=3)
    drawn = asyncio.Event()

    async def slow(request: int) -> None:
        await drawn.wait()

    watched.finish = slow
    running = asyncio.create_task(watched.over(100))
    for _ in range(1000):  # turns of the loop: nothing here waits for time to pass
        await asyncio.sleep(0)
    assert watched.held == HELD_PER_JOB * 3
    drawn.set()
    await running
    assert watched.answered == Counter(range(100))


@pytest.mark.parametrize("places", [1, 3, 7])
async def test_a_server_with_few_places_loses_nothing_and_is_never_asked_for_more_than_jobs(
    places: int,
) -> None:
    working = most = 0
    refusals = 0

    async def ask(request: int) -> Answer:
        nonlocal working, most, refusals
        if working >= places:
            refusals += 1
            raise ServiceError(429, 42901, "busy", 0.001)
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.001)
        working -= 1
        return ANSWER

    watched = Watched(ask, jobs=16)
    await watched.over(300)
    assert watched.answered == Counter(range(300))
    assert not watched.failed
    assert most <= places
    assert refusals < 300


async def test_a_refused_picture_comes_before_those_not_yet_sent() -> None:
    order: list[int] = []
    tries = Counter[int]()

    async def ask(request: int) -> Answer:
        tries[request] += 1
        await asyncio.sleep(0)
        if request == 0 and tries[request] == 1:
            raise BUSY
        order.append(request)
        return ANSWER

    watched = Watched(ask, jobs=2)
    await watched.over(50)
    assert order.index(0) < 10
    assert watched.pauses == [1.0]


async def test_faults_of_the_server_are_tried_again_and_bad_pictures_are_not() -> None:
    tries = Counter[int]()
    failures = {
        1: ServiceError(503, 50301, "not loaded"),
        2: httpx.ReadError("cut"),
        3: ServiceError(400, 40004, "not an image"),
    }

    async def ask(request: int) -> Answer:
        tries[request] += 1
        await asyncio.sleep(0)
        if request in failures and (request == 3 or tries[request] < 3):
            raise failures[request]
        return ANSWER

    watched = Watched(ask, jobs=4)
    await watched.over(20)
    assert watched.failed == {3: failures[3]}
    assert watched.answered == Counter(set(range(20)) - {3})
    assert (tries[1], tries[2], tries[3]) == (3, 3, 1)


async def test_what_cannot_be_read_is_not_sent_and_holds_up_nothing() -> None:
    watched = Watched(at_once, jobs=2)
    watched.unreadable = set(range(0, 40, 2))
    await watched.over(40)
    assert set(watched.failed) == watched.unreadable
    assert watched.answered == Counter(range(1, 40, 2))


async def test_a_server_that_is_gone_ends_the_run_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(patience, "GIVE_UP_S", 0.2)
    sent = itertools.count()

    async def ask(request: int) -> Answer:
        next(sent)
        raise httpx.ConnectError("refused")

    watched = Watched(ask, jobs=4)
    await watched.over(10_000)
    assert isinstance(watched.run.hopeless, httpx.ConnectError)
    assert next(sent) < 200
    assert not watched.answered


async def test_a_wrong_token_ends_the_run_with_the_first_answer() -> None:
    async def ask(request: int) -> Answer:
        await asyncio.sleep(0)
        raise ServiceError(401, 40101, "no token")

    watched = Watched(ask, jobs=4)
    await watched.over(10_000)
    assert isinstance(watched.run.hopeless, ServiceError)
    assert len(watched.failed) < 10


async def test_a_full_disk_ends_the_run() -> None:
    watched = Watched(at_once, jobs=2)

    async def full(request: int) -> None:
        raise OutOfRoom("no space left")

    watched.finish = full
    await watched.over(1000)
    assert isinstance(watched.run.hopeless, OutOfRoom)
    assert len(watched.failed) <= HELD_PER_JOB * 2


async def test_a_stop_drops_what_is_in_flight_and_finishes_what_is_answered() -> None:
    asked, finishing = asyncio.Event(), asyncio.Event()
    cancelled: list[int] = []

    async def ask(request: int) -> Answer:
        if request == 0:
            return ANSWER
        asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(request)
            raise
        return ANSWER

    watched = Watched(ask, jobs=4)

    async def slow(request: int) -> None:
        finishing.set()
        await asyncio.sleep(0.05)

    watched.finish = slow
    running = asyncio.create_task(watched.over(1000))
    await asked.wait()
    await finishing.wait()
    watched.run.stop()
    await running
    assert watched.answered == Counter([0])
    assert cancelled
    assert not watched.failed
    assert watched.run.hopeless is None


async def test_a_fault_of_our_own_is_raised_and_not_swallowed() -> None:
    watched = Watched(at_once, jobs=2)

    async def wrong(request: int) -> None:
        raise KeyError("a mistake in the code")

    watched.finish = wrong
    with pytest.raises(KeyError, match="a mistake"):
        await watched.over(100)


async def test_a_fault_in_telling_of_a_failure_is_raised_and_ends_the_run() -> None:
    """As where the one who reads the lines has gone."""

    class Unheard(Watched):
        def _fail(self, request: int, reason: Reason) -> None:
            super()._fail(request, reason)
            raise BrokenPipeError

    watched = Unheard(at_once, jobs=2)
    watched.unreadable = set(range(100))
    with pytest.raises(BrokenPipeError):
        await watched.over(100)
    assert len(watched.failed) < 10
