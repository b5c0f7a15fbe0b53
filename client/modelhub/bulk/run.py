"""Asks about one picture after another, many at a time, until all are answered or the run is stopped.

Of no more requests than twice the level's most are the pictures held: read ahead, in flight, waiting to be
tried again, being finished. Nothing is kept of those that are done.
"""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from modelhub.bulk.level import Level
from modelhub.bulk.patience import Failure, Patience, Verdict
from modelhub.errors import ServiceError
from modelhub.http import Answer
from modelhub.retries import FAILURES

Request = TypeVar("Request")
Contents = TypeVar("Contents")

HELD_PER_JOB = 2
"""Requests whose pictures are held for each that may be in flight."""


class NotDone(RuntimeError):  # noqa: N818 - what is the matter with the picture
    """A picture that cannot be read, or whose answer cannot be drawn or saved; the message says why."""


class OutOfRoom(RuntimeError):  # noqa: N818 - what is the matter with the disk
    """Answers cannot be saved any more, and none of those to come could be."""


Reason = Failure | NotDone | OutOfRoom
"""Why a request has no answer."""


@dataclass(frozen=True)
class Work(Generic[Request, Contents]):
    """What is done about a request."""

    load: Callable[[Request], Awaitable[Contents]]
    """Reads its pictures; raises NotDone."""
    ask: Callable[[Contents], Awaitable[Answer]]
    """Sends them; raises ServiceError and httpx.TransportError."""
    finish: Callable[[Request, Contents, Answer, float], Awaitable[None]]
    """Does with the answer, which took so many seconds, what it is for; raises NotDone and OutOfRoom."""
    fail: Callable[[Request, Reason], None]
    """Tells that there is none."""


class Gate:
    """Lets requests pass as the level allows, those of the lowest turn first."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._waiting: list[tuple[int, asyncio.Future[int]]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, turn: int) -> int:
        """Wait until a request may be sent; return its ticket."""
        passed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (turn, passed))
        self.wake()
        return await passed

    def wake(self) -> None:
        """Let pass whoever may; to be called whenever the level has changed."""
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting and (opens_in_s := self._level.opens_in_s()) is not None:
            if opens_in_s > 0:
                self._timer = asyncio.get_running_loop().call_later(opens_in_s, self.wake)
                return
            _, passed = heapq.heappop(self._waiting)
            if not passed.done():  # whoever waited may have been cancelled
                passed.set_result(self._level.sent())


class Run(Generic[Request, Contents]):
    """One run over many requests, `jobs` at most in flight; `stop` ends it early.

    `clock` returns seconds; `sleep` is `asyncio.sleep`.
    """

    def __init__(
        self,
        work: Work[Request, Contents],
        jobs: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.level = Level(jobs, clock)
        self.hopeless: Reason | None = None
        """Why the run was given up, if it was."""
        self._work, self._clock, self._sleep = work, clock, sleep
        self._gate = Gate(self.level)
        self._held = asyncio.Semaphore(HELD_PER_JOB * jobs)
        self._last_answer = clock()
        self._stopped = False
        self._fault: Exception | None = None
        self._asking: set[asyncio.Task[None]] = set()
        """Of the requests that have no answer yet."""

    def stop(self) -> None:
        """Begin nothing more and drop what has no answer yet; what has one is finished."""
        self._stopped = True
        for task in self._asking:
            task.cancel()

    async def over(self, requests: Iterable[Request]) -> None:
        """Ask about all; return when each has been finished or has failed, or after a stop."""
        tasks: set[asyncio.Task[None]] = set()
        for turn, request in enumerate(requests):
            await self._held.acquire()
            if self._stopped:
                break
            task = asyncio.create_task(self._one(turn, request))
            for holder in (tasks, self._asking):
                holder.add(task)
                task.add_done_callback(holder.discard)
        if tasks:
            await asyncio.wait(tasks)
        if self._fault is not None:
            raise self._fault

    async def _one(self, turn: int, request: Request) -> None:
        try:
            await self._done(turn, request)
        except asyncio.CancelledError:
            pass  # by a stop: nothing is told of what was dropped
        except Exception as fault:
            self._fault = fault
            self.stop()
        finally:
            self._held.release()

    async def _done(self, turn: int, request: Request) -> None:
        """Have `request` answered and finished, or tell why it is not; raises what is neither."""
        try:
            contents = await self._work.load(request)
            answer, seconds = await self._answered(turn, contents)
            self._has_answer()
            await self._work.finish(request, contents, answer, seconds)
        except OutOfRoom as reason:
            self._give_up(reason)
            self._work.fail(request, reason)
        except (NotDone, *FAILURES) as reason:
            self._work.fail(request, reason)

    async def _answered(self, turn: int, contents: Contents) -> tuple[Answer, float]:
        """Return the answer and its seconds, however often it takes; raises what the last try did."""
        patience = Patience(self._clock, lambda: self._last_answer)
        while True:
            ticket = await self._gate.enter(turn)
            sent_at = self._clock()
            try:
                answer = await self._work.ask(contents)
            except FAILURES as failure:
                verdict, pause_s = patience.judge(failure)
                self._failed(ticket, failure, verdict, pause_s)
                if verdict in (Verdict.FINAL, Verdict.HOPELESS):
                    raise
                await self._sleep(pause_s)
            else:
                seconds = self._clock() - sent_at
                self._last_answer = self._clock()
                self.level.answered(seconds)
                self._gate.wake()
                return answer, seconds

    def _failed(self, ticket: int, failure: Failure, verdict: Verdict, pause_s: float) -> None:
        """Have the level, and the run, learn from a failure."""
        if verdict in (Verdict.BUSY, Verdict.AGAIN):
            self.level.refused(ticket, pause_s)
            self._gate.wake()
        else:
            self.level.over()
            self._gate.wake()
            if isinstance(failure, ServiceError) and failure.status < 500:
                self._last_answer = self._clock()  # the picture is bad, and the server answers
        if verdict is Verdict.HOPELESS:
            self._give_up(failure)

    def _has_answer(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._asking.discard(task)

    def _give_up(self, reason: Reason) -> None:
        self.hopeless = self.hopeless or reason
        self._has_answer()  # of its own task: it has yet to tell
        self.stop()
