"""Sending recorded requests to both sides and comparing what comes back."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock
from typing import Any

import httpx
import orjson

from modelhub.errors import ServiceError
from modelhub.http import certificates, failure_of, reply_of
from modelhub.replay.compare import Failure, Outcome, compare
from modelhub.replay.endpoints import Endpoint
from modelhub.replay.recording import Recorded
from modelhub.replay.tally import Pair, Reply
from modelhub.retries import FAILURES, Attempts

RETRIES = 3
"""Further attempts at what may succeed later; the seconds told are those of the last."""

SIDES = ("from", "to")

CLOSED = frozenset({401, 403})
"""Statuses of an endpoint that does not let us in: what it answers then says nothing about its answers."""

_OPTIONS: Mapping[str, Any] = {
    "trust_env": False,  # as the client: no proxy, and no password of .netrc in place of the token
    # Compressing takes time of its own, and the hosted service's own client does not ask for it.
    "headers": {"Accept-Encoding": "identity"},
}


class UnreachableError(RuntimeError):
    """One of the endpoints does not answer at all; the message is a line for people, without tokens."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Two endpoints and the connections to them, as many threads as like may use them at once."""

    endpoints: tuple[Endpoint, Endpoint]
    clients: tuple[httpx.Client, httpx.Client]
    timeout_s: float

    def ask(self, side: int, recorded: Recorded) -> Reply:
        """Send a request to one side, again where that may help."""
        attempts = Attempts(RETRIES, self.timeout_s)
        while True:
            started = time.perf_counter()
            try:
                response = self._sent(side, recorded, attempts.left_s())
                seconds = time.perf_counter() - started
                return Reply(outcome_of(response), seconds)
            except FAILURES as failure:
                seconds = time.perf_counter() - started
                pause_s = attempts.pause_s(failure)
                if pause_s is None:
                    return Reply(_failure(failure), seconds)
            time.sleep(pause_s)

    def _sent(self, side: int, recorded: Recorded, timeout_s: float) -> httpx.Response:
        endpoint = self.endpoints[side]
        headers = endpoint.headers(recorded.service, recorded.body, datetime.now(UTC))
        url = endpoint.target(recorded.service)
        return self.clients[side].post(url, content=recorded.body, headers=headers, timeout=timeout_s)

    def check(self, recorded: Recorded) -> None:
        """Send a request to both sides, to warm them up. Raises UnreachableError."""
        for side, name in enumerate(SIDES):
            outcome = self.ask(side, recorded).outcome
            if not isinstance(outcome, Failure):
                continue
            if not outcome.code:
                raise UnreachableError(f"--{name} {self.endpoints[side].shown}: {outcome.message}")
            if outcome.status in CLOSED:
                refused = f"it does not let us in, HTTP {outcome.status}: is the token right?"
                raise UnreachableError(f"--{name} {self.endpoints[side].shown}: {refused}")

    def pair(self, number: int, recorded: Recorded, tolerances: Mapping[str, float]) -> Pair:
        """Send a request to both sides one after the other, every second one to `to` first; compare."""
        order = (0, 1) if number % 2 == 0 else (1, 0)
        replies = {side: self.ask(side, recorded) for side in order}
        comparison = compare(recorded.service, replies[0].outcome, replies[1].outcome, tolerances)
        return Pair(recorded, (replies[0], replies[1]), comparison)


def outcome_of(response: httpx.Response) -> Outcome:
    """Return the answer in a response, however it is spelled. Raises ServiceError where it is a failure."""
    try:
        content = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        content = None
    answered = response.is_success and isinstance(content, dict) and content.get("success") is not False
    if answered and not content.get("error_code"):
        answer: Outcome = content
        return answer
    raise failure_of(reply_of(response), content)


def _failure(failure: Exception) -> Failure:
    if isinstance(failure, ServiceError):
        return Failure(failure.code, failure.message, failure.status)
    return Failure(0, f"{type(failure).__name__}: {failure}")


@contextmanager
def connected(endpoints: tuple[Endpoint, Endpoint], timeout_s: float = 60.0) -> Iterator[Sides]:
    """Yield both endpoints with connections; a request, attempts and pauses included, has `timeout_s`."""
    options = {**_OPTIONS, "verify": certificates()}
    with httpx.Client(**options) as before, httpx.Client(**options) as after:
        yield Sides(endpoints, (before, after), timeout_s)


def replay(
    requests: Callable[[], Iterator[Recorded]],
    sides: Sides,
    tolerances: Mapping[str, float],
    seen: Callable[[Pair], None],
    jobs: int = 1,
) -> None:
    """Send what `requests` yields, which is asked for twice, to both sides; `jobs` requests at a time.

    `seen` gets each pair, one at a time, in no certain order where there is more than one job. The first
    request to each service is sent once more before all others, and that is not counted. Raises
    UnreachableError where an endpoint does not answer these or does not let us in, and whatever `requests`
    and `seen` raise.
    """
    for recorded in _first_of_each(requests()):
        sides.check(recorded)
    _Work(sides, requests(), tolerances, seen).run(jobs)


def _first_of_each(requests: Iterator[Recorded]) -> list[Recorded]:
    first: dict[str, Recorded] = {}
    for recorded in requests:
        first.setdefault(recorded.service, recorded)
    return list(first.values())


class _Work:
    """What threads take requests from and put pairs into."""

    def __init__(
        self,
        sides: Sides,
        requests: Iterator[Recorded],
        tolerances: Mapping[str, float],
        seen: Callable[[Pair], None],
    ) -> None:
        self._sides, self._tolerances, self._seen = sides, tolerances, seen
        self._requests = enumerate(requests)
        self._taking, self._giving, self._stop = Lock(), Lock(), Event()

    def run(self, jobs: int) -> None:
        """Work through all requests; where something is raised, after those that were begun."""
        with ThreadPoolExecutor(jobs) as pool:
            workers = [pool.submit(self._work) for _ in range(jobs)]
            try:
                wait(workers, return_when=FIRST_EXCEPTION)
            finally:
                self._stop.set()
        for worker in workers:
            worker.result()

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._taking:
                number, recorded = next(self._requests, (0, None))
            if recorded is None:
                return
            pair = self._sides.pair(number, recorded, self._tolerances)
            with self._giving:
                self._seen(pair)
