"""Callers who hold what they should let go of: slow ones, those who leave, and a thousand who say nothing."""

import asyncio
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.answers import Judgement, Verdict, judge
from bench.cases import Case
from bench.faults.site import STUB_HEALTH_S, Site, between, healthy_again, none_wrong, unaffected
from bench.load import Load, run
from bench.wire import Broken, Connection, Pool
from evaluation.figure import Figure, at_most
from gateway.settings import Settings

SHARE = 0.2
"""Of the cores, kept busy by ordinary callers."""
SLOW_SERVICES = ("ocr", "shelf_counting")
"""Not asked: one answer of theirs takes as long as twenty others, and would be all that p99 tells of."""
SLOW_CLIENTS = 64
LEAVING_CLIENTS = 200
IDLE_CLIENTS = 1000
DEADLINE_S: float = Settings.model_fields["deadline_s"].default
"""The gateway's own, after which a slow caller is told so."""
_SLACK_S = 15.0
_IDLE_S = 15.0  # more than a mute connection is kept
_LIVE = b"GET /health/live HTTP/1.1\r\nHost: modelhub\r\n\r\n"

Hazard = Callable[[Site], Coroutine[Any, Any, Iterator[Figure]]]


def callers(site: Site) -> Iterator[Figure]:
    """Yield the rows of slow clients, of half-sent bodies, and of idle connections."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    site = site.without(*SLOW_SERVICES)
    quiet = run(site.plan(rate=site.rate_of(SHARE), seconds=site.scale.hold_s, seed=2)).exchanges
    whole = site.arena.census()
    hazards: dict[str, Hazard] = {
        f"{SLOW_CLIENTS} clients who send a byte a second": _slow,
        f"{LEAVING_CLIENTS} half-sent bodies": _leaving,
        f"{IDLE_CLIENTS} idle connections": _idle,
    }
    for name, hazard in hazards.items():
        with Load(site.plan(rate=site.rate_of(SHARE), seed=3)) as load:
            begins = time.monotonic()
            figures = list(asyncio.run(hazard(site)))
            ends = time.monotonic()
            outcome = load.stop()
        site.say(f"{name}: others {outcome.summary()}")
        yield from figures
        yield from unaffected(name, quiet, between(outcome, begins, ends))
        yield none_wrong(name, outcome.exchanges)
        seconds = site.arena.seconds_to_health(site.repertoire, whole, ends, STUB_HEALTH_S * 3)
        yield healthy_again(name, seconds, STUB_HEALTH_S)


def _case(site: Site) -> Case:
    return next(iter(site.repertoire.cases.values()))[0]


async def _slow(site: Site) -> Iterator[Figure]:
    """Let clients send their heads at once and their bodies byte by byte, until each has an answer."""
    case = _case(site)
    results = await asyncio.gather(*(_trickled(site.arena.url, case) for _ in range(SLOW_CLIENTS)))
    mute = sum(code == 0 for code in results)
    codes = Counter(results)
    said = ", ".join(f"{count} x {code or 'none'}" for code, count in codes.most_common())
    name = f"{SLOW_CLIENTS} clients who send a byte a second: without a clear answer"
    return iter([at_most(name, mute, 0, f"{mute}: {said}")])


async def _trickled(url: str, case: Case) -> int:
    """Send `case` slowly; return the code of its answer, 0 if none comes by the gateway's deadline."""
    head, _, body = case.request.partition(b"\r\n\r\n")
    try:
        async with asyncio.timeout(DEADLINE_S + _SLACK_S), _connections(url, 1) as (connection,):
            connection.begin(head + b"\r\n\r\n")
            answer = asyncio.ensure_future(connection.answer())
            for byte in body:
                if answer.done() or not connection.open:
                    break
                connection.begin(bytes([byte]))
                await asyncio.wait([answer], timeout=1)
            judgement = judge(case.expected, await answer)
    except (Broken, TimeoutError):
        return 0
    return 0 if judgement.verdict is Verdict.WRONG else judgement.code


async def _leaving(site: Site) -> Iterator[Figure]:
    """Let clients leave in the middle of their bodies; the next request must find a place at once."""
    case = _case(site)
    half = case.request[: len(case.request) // 2]
    async with _connections(site.arena.url, LEAVING_CLIENTS) as connections:
        for connection in connections:
            connection.begin(half)
        await asyncio.sleep(0.5)
    verdicts = [await _judgement_of(site.arena.url, case) for _ in range(20)]
    bad = [judgement for judgement in verdicts if judgement.verdict is not Verdict.RIGHT]
    name = f"{LEAVING_CLIENTS} half-sent bodies: errors of 20 requests right after"
    return iter([at_most(name, len(bad), 0, f"{len(bad)} {bad[:1] or ''}")])


async def _judgement_of(url: str, case: Case) -> Judgement:
    async with Pool(url) as pool:
        try:
            return judge(case.expected, await pool.ask(case.request, DEADLINE_S))
        except (Broken, TimeoutError) as error:
            return Judgement(Verdict.FAILED, 0, "", str(error))


async def _idle(site: Site) -> Iterator[Figure]:
    """Keep connections that had an answer, and as many that never ask, then ask over the former again."""
    name = f"{IDLE_CLIENTS} idle connections"
    async with (
        _connections(site.arena.url, IDLE_CLIENTS) as asked,
        _connections(site.arena.url, IDLE_CLIENTS) as mute,
    ):
        first = await _live(asked)
        await asyncio.sleep(_IDLE_S)
        again = await _live(asked)
        left = sum(connection.open for connection in mute)
    return iter(
        [
            at_most(f"{name}: without an answer at first, and after {_IDLE_S:.0f} s", first + again, 0,
                    f"{first}, {again}"),
            at_most(f"as many that never ask: still open after {_IDLE_S:.0f} s", left, 0, f"{left}"),
        ]
    )  # fmt: skip


async def _live(connections: Sequence[Connection]) -> int:
    """Ask over each whether the gateway lives; return how many get no answer."""
    missing = 0
    for connection in connections:
        try:
            async with asyncio.timeout(5):
                missing += (await connection.ask(_LIVE)).status != 200
        except (Broken, TimeoutError):
            missing += 1
    return missing


@asynccontextmanager
async def _connections(url: str, count: int) -> AsyncIterator[list[Connection]]:
    pool = Pool(url)
    connections: list[Connection] = []
    try:
        for _ in range(count):
            connections.append(await pool.connection())
        yield connections
    finally:
        for connection in connections:
            connection.hang_up()
