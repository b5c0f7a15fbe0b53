"""Mixed load on a gateway from a process of its own, with every answer recorded and compared.

An open loop sends at random times of a given rate, whether or not answers come, as independent callers do; a
closed loop is a number of callers of whom each waits for its answer before it asks again.

with Load(Plan(url, repertoire.cases, repertoire.weights(), rate=20)) as load:
    ...                      # what happens to the system meanwhile
    outcome = load.stop()
"""

import asyncio
import gc
import itertools
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from random import Random
from types import TracebackType
from typing import Self

import psutil
import uvloop

from bench.answers import Exchange, Judgement, Verdict, judge, of, p99_ms, percentile
from bench.cases import PATIENCE_S, Case
from bench.wire import REFUSED_PAUSE_S, Broken, Pool, Response

LEFT_AFTER_S = 0.03
"""For a client that leaves: seconds after it has sent its share."""
_STOP_TIMEOUT_S = PATIENCE_S + 30


@dataclass(frozen=True)
class Plan:
    """A load: `rate` requests a second at random times, or `clients` who each wait for their answers."""

    url: str
    cases: Mapping[str, Sequence[Case]]
    weights: Mapping[str, float]
    """The share of requests of each service that is asked; they need not sum to one."""
    rate: float = 0
    clients: int = 0
    seconds: float = float("inf")
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """Every request of a load, in order of their answers; what the generator itself needed."""

    exchanges: list[Exchange]
    began: float
    """`time.monotonic()`."""
    seconds: float
    """From the first request's time to the end of the plan, without the answers that came after."""
    cpu_share: float = 0.0
    """Of one core."""
    by_verdict: Mapping[Verdict, list[Exchange]] = field(init=False)

    def __post_init__(self) -> None:
        by_verdict = {verdict: of(self.exchanges, verdict) for verdict in Verdict}
        object.__setattr__(self, "by_verdict", by_verdict)

    @property
    def right(self) -> list[Exchange]:
        """Return the answers that are right."""
        return self.by_verdict[Verdict.RIGHT]

    @property
    def goodput(self) -> float:
        """Return right answers a second, of those that came while the plan lasted."""
        ends = self.began + self.seconds
        return sum(answer.ended <= ends for answer in self.right) / self.seconds

    def work(self, seconds: Mapping[str, float]) -> float:
        """Return the same in seconds of work a second, by what an answer of each service takes alone."""
        ends = self.began + self.seconds
        return sum(seconds[one.service] for one in self.right if one.ended <= ends) / self.seconds

    @property
    def late_ms(self) -> float:
        """Return p99 of the milliseconds by which the generator sent too late: its own part in latencies."""
        return percentile((answer.sent - answer.due for answer in self.exchanges), 99) * 1e3

    def only(self, service: str) -> "Outcome":
        """Return the same of one service."""
        return Outcome(
            [one for one in self.exchanges if one.service == service],
            self.began,
            self.seconds,
            self.cpu_share,
        )

    def summary(self) -> str:
        """Return a line of numbers."""
        counts = ", ".join(f"{len(some)} {verdict}" for verdict, some in self.by_verdict.items() if some)
        return f"{self.goodput:.1f}/s right, p99 {p99_ms(self.right):.0f} ms ({counts or 'nothing'})"


def arrivals(rate: float, chance: Random) -> Iterator[float]:
    """Yield the times, in seconds from the start, of independent arrivals, `rate` a second on average."""
    return itertools.accumulate(chance.expovariate(rate) for _ in itertools.count())


def mixed(plan: Plan, chance: Random) -> Iterator[Case]:
    """Yield what is asked: services at random by their weights, the pictures of each in turn."""
    services = [service for service in plan.weights if plan.cases.get(service)]
    turns = {service: itertools.cycle(plan.cases[service]) for service in services}
    weights = [plan.weights[service] for service in services]
    while True:
        yield next(turns[chance.choices(services, weights)[0]])


async def ask(pool: Pool, case: Case, due: float) -> Exchange:
    """Send one request and return what became of it, whatever that is."""
    sent = time.monotonic()
    response: Response | None = None
    try:
        if case.hang_up is None:
            response = await pool.ask(case.request, PATIENCE_S)
            judgement = judge(case.expected, response)
        else:
            await _leave(pool, case, case.hang_up)
            judgement = Judgement(Verdict.HUNG_UP, 0, "")
    except TimeoutError:
        judgement = Judgement(Verdict.FAILED, 0, "", f"no answer within {PATIENCE_S:.0f} s")
    except Broken as error:
        judgement = Judgement(Verdict.FAILED, 0, "", str(error))
    status, retry_after = (response.status, response.retry_after) if response else (0, False)
    ended = time.monotonic()
    return Exchange(case.service, case.picture, due, sent, ended, status, retry_after, judgement)


async def _leave(pool: Pool, case: Case, share: float) -> None:
    connection = await pool.connection()
    try:
        connection.begin(case.request[: round(len(case.request) * share)])
        await asyncio.sleep(LEFT_AFTER_S)
    finally:
        connection.hang_up()


async def open_loop(plan: Plan, stop: asyncio.Event) -> Outcome:
    """Ask at random times until the plan's end or `stop`, then await what is in flight."""
    chance = Random(plan.seed)
    exchanges: list[Exchange] = []
    running: set[asyncio.Task[None]] = set()
    began = time.monotonic()
    ends = began + plan.seconds

    async def one(case: Case, due: float) -> None:
        exchanges.append(await ask(pool, case, due))

    async with Pool(plan.url) as pool:
        for offset, case in zip(arrivals(plan.rate, chance), mixed(plan, chance), strict=False):
            due = began + offset
            if due > ends or await _stopped_before(due, stop):
                break
            task = asyncio.create_task(one(case, due))
            running.add(task)
            task.add_done_callback(running.discard)
        lasted = min(time.monotonic(), ends) - began
        if running:
            await asyncio.wait(running)
    return Outcome(exchanges, began, lasted)


async def _stopped_before(due: float, stop: asyncio.Event) -> bool:
    """Wait until `due`; returns early, and true, when stopped."""
    wait = due - time.monotonic()
    if wait > 0:
        await asyncio.sleep(min(wait, 0.5))
    while not stop.is_set() and (wait := due - time.monotonic()) > 0:
        await asyncio.sleep(min(wait, 0.5))
    return stop.is_set()


async def closed_loop(plan: Plan, stop: asyncio.Event) -> Outcome:
    """Let the plan's clients ask, each one request after another, until the plan's end or `stop`."""
    exchanges: list[Exchange] = []
    began = time.monotonic()
    ends = began + plan.seconds
    cases = mixed(plan, Random(plan.seed))

    async def client() -> None:
        for case in cases:
            if stop.is_set() or time.monotonic() > ends:
                return
            answer = await ask(pool, case, time.monotonic())
            exchanges.append(answer)
            if answer.verdict is not Verdict.RIGHT:
                await asyncio.sleep(REFUSED_PAUSE_S)

    async with Pool(plan.url) as pool:
        await asyncio.gather(*(client() for _ in range(plan.clients)))
    return Outcome(exchanges, began, min(time.monotonic(), ends) - began)


def run(plan: Plan) -> Outcome:
    """Return the outcome of a plan that has an end, made in a process of its own."""
    with Load(plan) as load:
        return load.outcome(plan.seconds)


class Load:
    """A load that goes on in a process of its own until it is stopped, or its plan ends."""

    def __init__(self, plan: Plan) -> None:
        context = get_context("spawn")  # the parent may have threads
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_generate, args=(plan, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe.recv()  # it has imported what it needs

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()

    def stop(self) -> Outcome:
        """End the load and return its outcome."""
        self._pipe.send(None)
        return self.outcome(0)

    def outcome(self, seconds: float) -> Outcome:
        """Return the outcome of a load that ends by itself in `seconds`. Raises TimeoutError."""
        if not self._pipe.poll(seconds + _STOP_TIMEOUT_S):
            raise TimeoutError("the generator of load does not end")
        outcome = self._pipe.recv()
        assert isinstance(outcome, Outcome)
        return outcome


def _generate(plan: Plan, pipe: Pipe) -> None:
    """Make the load: the child process."""
    gc.freeze()  # the cases live as long as the process: collections need not go through them
    pipe.send(None)
    pipe.send(uvloop.run(_until_stopped(plan, pipe)))


async def _until_stopped(plan: Plan, pipe: Pipe) -> Outcome:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe.fileno(), stop.set)  # also when the parent is gone
    before = sum(psutil.Process().cpu_times()[:2])
    start = time.monotonic()
    outcome = await (open_loop(plan, stop) if plan.rate else closed_loop(plan, stop))
    used = sum(psutil.Process().cpu_times()[:2]) - before
    loop.remove_reader(pipe.fileno())
    os.set_blocking(pipe.fileno(), True)  # the loop does not want it so; a large outcome does
    return Outcome(outcome.exchanges, outcome.began, outcome.seconds, used / (time.monotonic() - start))
