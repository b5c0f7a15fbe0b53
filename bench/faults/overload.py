"""Ten times what the system can do: refusals come at once, and admitted callers lose nothing by them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe

import httptools
import uvloop

from bench.answers import Verdict, p99_ms
from bench.faults.site import Site, none_wrong
from bench.load import Outcome, Plan, run
from evaluation.figure import Figure, at_least, at_most

CLIENTS = (1, 2, 4, 8, 16)
TIMES = 10
MAX_REFUSAL_MS = 100.0
MIN_GOODPUT, MAX_SLOWER = 0.9, 3.0
SHELF_TIMES = 3
_CHECK_S = 5.0


@dataclass(frozen=True)
class Capacity:
    """The closed loop of most goodput."""

    clients: int
    outcome: Outcome


def overload(site: Site) -> Iterator[Figure]:
    """Yield the rows of capacity, and of ten times as much."""
    best = capacity(site)
    yield Figure(
        "best goodput, mixed services", f"{best.clients} clients: {best.outcome.summary()}", "", None
    )
    plan = site.plan(rate=TIMES * best.outcome.goodput, seconds=site.scale.overload_s)
    yield _generator_alone(plan)
    flood = run(plan)
    site.say(f"{plan.rate:.0f}/s: {flood.summary()}; the generator took {flood.cpu_share:.2f} cores")
    yield from _flood_figures(site, best.outcome, flood)


def capacity(site: Site) -> Capacity:
    """Return the number of clients at which most right answers come."""
    points = []
    for clients in CLIENTS:
        outcome = run(site.plan(clients=clients, seconds=site.scale.point_s))
        site.say(f"{clients} clients: {outcome.summary()}")
        points.append(Capacity(clients, outcome))
    return max(points, key=lambda point: point.outcome.goodput)


def _flood_figures(site: Site, best: Outcome, flood: Outcome) -> Iterator[Figure]:
    name = f"{TIMES} times the load"
    refused = flood.by_verdict[Verdict.REFUSED]
    within = p99_ms(refused)
    said = f"p99 {within:.0f} ms of {len(refused)}; the generator's own lateness {flood.late_ms:.0f} ms"
    yield at_most(f"{name}: refused in (ms)", within, MAX_REFUSAL_MS, said)
    mute = sum(not answer.retry_after for answer in refused)
    yield at_most(f"{name}: refusals without Retry-After", mute, 0, f"{mute} of {len(refused)}")
    share = flood.goodput / best.goodput
    yield at_least(
        f"{name}: goodput over the best", share, MIN_GOODPUT, f"{share:.2f} ({flood.goodput:.1f}/s)"
    )
    seconds = site.repertoire.seconds
    work = flood.work(seconds) / best.work(seconds)
    said = f"{work:.2f} (each answer weighed by its time alone)"
    yield at_least(f"{name}: work done over the best", work, MIN_GOODPUT, said)
    slower = p99_ms(flood.right) / p99_ms(best.right)
    said = f"{slower:.2f} ({p99_ms(flood.right):.0f} ms)"
    yield at_most(f"{name}: p99 of admitted over p99 at capacity", slower, MAX_SLOWER, said)
    yield none_wrong(name, flood.exchanges)
    failed = len(flood.by_verdict[Verdict.FAILED])
    yield at_most(f"{name}: failures that are no refusals", failed, 0, f"{failed} of {len(flood.exchanges)}")
    starved = [service for service in seconds if not flood.only(service).right]
    yield at_most(f"{name}: services without one answer", len(starved), 0, ", ".join(starved) or "none")


def _generator_alone(plan: Plan) -> Figure:
    """Return what the generator does against a server that refuses everything at once."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_refuse_everything, args=(theirs,), daemon=True)
    server.start()
    try:
        outcome = run(replace(plan, url=ours.recv(), seconds=_CHECK_S))
    finally:
        server.kill()
        server.join()
    refused = outcome.by_verdict[Verdict.REFUSED]
    said = f"p99 {p99_ms(refused):.1f} ms at {len(refused) / _CHECK_S:.0f}/s, {outcome.cpu_share:.2f} cores"
    return Figure("the generator against a server that refuses everything", said, "", None)


class _Refuser(asyncio.Protocol):
    """Answers 429 to each request."""

    BODY = b'{"request_id":"%032x","success":false,"error_code":42901,"error_msg":"no"}'

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.BaseTransport | None = None
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._count += 1
        body = self.BODY % (id(self) << 32 | self._count)
        head = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)  # type: ignore[union-attr]


def _refuse_everything(pipe: Pipe) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Refuser, "127.0.0.1", 0)
        pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    uvloop.run(serve())


# Fairness

LIGHT, HEAVY = "image_classification", "shelf_counting"


def fairness(site: Site) -> Iterator[Figure]:
    """Yield the rows of one service while another is asked for three times what it can do."""
    cases, seconds = site.repertoire.cases, site.scale.point_s

    def outcome(rates: dict[str, float], clients: int = 0) -> Outcome:
        rate = 0 if clients else sum(rates.values())
        return run(Plan(site.arena.url, cases, rates, rate, clients, seconds))

    most = {service: outcome({service: 1}, clients=4).goodput for service in (LIGHT, HEAVY)}
    rates = {LIGHT: most[LIGHT] / 4, HEAVY: SHELF_TIMES * most[HEAVY]}
    alone = outcome({LIGHT: rates[LIGHT]})
    together = outcome(rates)
    site.say(f"{LIGHT} alone at {rates[LIGHT]:.1f}/s: {alone.summary()}; together: {together.summary()}")
    beside = together.only(LIGHT)
    name = f"{SHELF_TIMES} times the load of {HEAVY}"
    share = beside.goodput / alone.goodput
    said = f"{share:.2f} ({beside.goodput:.1f}/s to {alone.goodput:.1f}/s)"
    yield at_least(f"{name}: {LIGHT}'s goodput over that alone", share, MIN_GOODPUT, said)
    slower = p99_ms(beside.right) / p99_ms(alone.right)
    said = f"{slower:.1f} ({p99_ms(beside.right):.0f} ms to {p99_ms(alone.right):.0f} ms)"
    yield at_most(f"{name}: {LIGHT}'s p99 over that alone", slower, MAX_SLOWER, said)
    heavy = together.only(HEAVY).goodput
    yield Figure(f"{name}: answered meanwhile", f"{heavy:.1f}/s of {most[HEAVY]:.1f}/s alone", "", None)
    yield none_wrong(name, together.exchanges)
