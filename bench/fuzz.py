"""Fuzzed bodies and pictures over all services:

    python -m embedded run -- python -m bench.fuzz --count 20000

Nothing may be answered with a 5xx, nothing may hang, every answer has the contract's shape, no request id
comes twice, and the processes hold no more at the end than when they had warmed up. What is sent depends on
the seed and its number alone: `--only NUMBER` sends one of them again. Exit status 1 where any is wrong.
"""

import asyncio
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Annotated

import httpx
import orjson
import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench.fuzzing import Footprint, Sent, fault, picture_body, structured_body, typed_body
from bench.wire import REFUSED_PAUSE_S, Broken, Pool, post
from evaluation.figure import WIDTH
from gateway.errors import TooManyRequests
from gateway.services import SERVICES, Service
from gateway.settings import Settings

MAKERS = (structured_body, picture_body, typed_body)
CONNECTIONS = 16
TOGETHER = 2
"""Requests to one service at a time: the slowest would else collect all connections and pass its deadline."""
GRACE_S = 10.0
"""Seconds beyond the gateway's deadline after which an answer counts as not come."""
PATIENCE = 600
"""How often one that is refused for too many in flight is sent again."""
WARM_SHARE = 0.2
"""Share of the requests after which memory has found its level."""
MAX_GROWTH_MIB = 256.0


@dataclass
class Run:
    """What came of the requests so far."""

    codes: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By service and code: 200, or the contract's `error_code`."""
    faults: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    slowest_s: float = 0.0


def case(seed: int, number: int) -> tuple[Service, Sent]:
    """Return the service that is asked and what it is sent."""
    chance = Random(f"{seed}-{number}")
    service = list(SERVICES.values())[number % len(SERVICES)]
    make = MAKERS[number // len(SERVICES) % len(MAKERS)]
    return service, make(service, chance)


async def send(pool: Pool, seed: int, number: int, run: Run, timeout_s: float) -> None:
    """Send one and note what came of it."""
    service, sent = case(seed, number)
    request = post(f"/api/predict/{service.name}", *sent)
    start = time.monotonic()
    try:
        for _ in range(PATIENCE):
            response = await pool.ask(request, timeout_s)
            if response.status != TooManyRequests.code // 100:
                break
            run.codes[service.name, TooManyRequests.code] += 1
            await asyncio.sleep(REFUSED_PAUSE_S)
            start = time.monotonic()
    except (Broken, TimeoutError) as error:
        run.faults.append(f"number {number}, {service.name}: no answer: {error!r}")
        return
    run.slowest_s = max(run.slowest_s, time.monotonic() - start)
    wrong = fault(service, response.status, response.body)
    if wrong:
        run.faults.append(f"number {number}, {service.name}: {wrong}")
        return
    fields = orjson.loads(response.body)
    run.codes[service.name, fields.get("error_code", 200)] += 1
    if fields["request_id"] in run.ids:
        run.faults.append(f"number {number}, {service.name}: its request id came before")
    run.ids.add(fields["request_id"])


async def send_all(url: str, seed: int, numbers: Iterator[int], run: Run) -> None:
    """Send what `numbers` name over many connections."""
    timeout_s = Settings().deadline_s + GRACE_S

    turns = [asyncio.Semaphore(TOGETHER) for _ in SERVICES]

    async def client(pool: Pool) -> None:
        for number in numbers:
            async with turns[number % len(turns)]:
                await send(pool, seed, number, run, timeout_s)

    async with Pool(url) as pool:
        await asyncio.gather(*(client(pool) for _ in range(CONNECTIONS)))


def served_by() -> list[psutil.Process]:
    """Return what `python -m embedded` started beside this process; nothing where it did not start us."""
    launcher = psutil.Process(os.getppid())
    if "embedded" not in launcher.cmdline():
        return []
    return [child for child in launcher.children() if child.pid != os.getpid()]


def table(run: Run) -> Table:
    """Return how often each code came from each service."""
    codes = sorted({code for _, code in run.codes})
    drawn = Table("service", *map(str, codes), title="answers by code")
    for service in SERVICES:
        drawn.add_row(service, *(str(run.codes[service, code]) for code in codes))
    drawn.add_row("all", *(str(sum(run.codes[name, code] for name in SERVICES)) for code in codes))
    return drawn


def growth(warm: Footprint, now: Footprint) -> str:
    """Return in words what is held more than after the warm-up."""
    return (
        f"memory {warm.memory_mib:.0f} -> {now.memory_mib:.0f} MiB, handles {warm.handles} -> {now.handles}, "
        f"processes {warm.processes} -> {now.processes}"
    )


def grown(warm: Footprint, now: Footprint) -> bool:
    """Return whether that is too much."""
    return now.memory_mib > warm.memory_mib + MAX_GROWTH_MIB or now.processes != warm.processes


def main(
    count: Annotated[int, typer.Option(min=1, help="How many are sent.")] = 20_000,
    seed: Annotated[int, typer.Option(help="What they depend on.")] = 6,
    only: Annotated[int | None, typer.Option(help="Send this one alone.")] = None,
) -> None:
    """Send fuzzed requests to the system at MODELHUB_URL and print what came of them."""
    url = os.environ["MODELHUB_URL"]
    console, run = Console(width=WIDTH, highlight=False), Run()
    numbers = iter(range(count)) if only is None else iter([only])
    processes = served_by()
    start = time.monotonic()
    warming = itertools.islice(numbers, int(count * WARM_SHARE) if only is None else 0)
    asyncio.run(send_all(url, seed, warming, run))
    warm = Footprint.of(processes)
    asyncio.run(send_all(url, seed, numbers, run))
    now = Footprint.of(processes)
    console.print(table(run))
    console.print(
        f"{count if only is None else 1} requests in {time.monotonic() - start:.0f} s, slowest answer "
        f"{run.slowest_s:.1f} s, {len(run.faults)} wrong"
    )
    if processes:
        console.print(f"after warming up and at the end: {growth(warm, now)}")
    health = httpx.get(f"{url}/health/ready", timeout=60, trust_env=False)
    for fault_of_one in run.faults[:20]:
        console.print(fault_of_one, style="red", markup=False)
    if health.status_code != 200:
        console.print(f"not healthy afterwards: {health.text[:500]}", style="red", markup=False)
    if run.faults or health.status_code != 200 or grown(warm, now):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
