"""`modelhub predict` over a folder, beside the best that the gateway does: `python -m bench.bulk`.

Run it under `python -m embedded run --`. The best is that of closed loops of several numbers of clients over
the same pictures, whose requests are encoded beforehand and whose answers nobody parses. Rounds alternate,
so that a machine whose speed drifts treats both alike; medians are printed. The command is a process of its
own, which reads files and prints a line for each; its figure is answers a second from the first request on,
as it says itself, and from its start to its end.
"""

import asyncio
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated

import psutil
import typer
import uvloop
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.cases import PATIENCE_S, PHOTOS, request
from bench.wire import REFUSED_PAUSE_S, Pool
from demo.samples import SAMPLES
from evaluation.figure import WIDTH
from evaluation.picture_files import encoded

SERVICES = ("image_classification", "object_detection")
CLIENTS = (1, 2, 4, 8, 16)
SECONDS = 6.0
"""Of each closed loop."""
SIDES = (300, 448)
"""Of the pictures: the longer one, in pixels."""
BAR = 0.95
_SUMMARY = re.compile(r"(\d+) answered in [\d.]+ s \(([\d.]+)/s\)")


class Incomplete(RuntimeError):  # noqa: N818 - what the run was
    """The command did not answer every picture; the message is what it said."""


@dataclass(frozen=True)
class Round:
    """Answers a second."""

    best: float
    clients: int
    """With which the best was reached."""
    command_rate: float
    """As the command tells."""
    whole: float
    """Of the command from its start to its end."""
    cpu_ms: float
    """Processor time of the command for each picture."""


def make_pictures(folder: Path, count: int) -> list[bytes]:
    """Write `count` different JPEG files and return them: parts of the samples, at random."""
    chance = Random(7)
    files = []
    for index in range(count):
        with Image.open(SAMPLES / PHOTOS[index % len(PHOTOS)]) as sample:
            share = chance.uniform(0.6, 1.0)
            width, height = (round(side * share) for side in sample.size)
            left, top = chance.randint(0, sample.width - width), chance.randint(0, sample.height - height)
            part = sample.convert("RGB").crop((left, top, left + width, top + height))
        side = chance.randint(*SIDES)
        part.thumbnail((side, side))
        files.append(encoded(part, "JPEG", quality=90))
        (folder / f"{index:05}.jpg").write_bytes(files[-1])
    return files


async def closed_loop(url: str, requests: Sequence[bytes], clients: int) -> float:
    """Return the answers a second of clients who each ask again when they have their answer."""
    waiting, answered = itertools.cycle(requests), 0
    began = time.perf_counter()

    async def client() -> None:
        nonlocal answered
        while time.perf_counter() < began + SECONDS:
            response = await pool.ask(next(waiting), PATIENCE_S)
            answered += response.status == 200
            if response.status != 200:
                await asyncio.sleep(REFUSED_PAUSE_S)

    async with Pool(url) as pool:
        await asyncio.gather(*(client() for _ in range(clients)))
    return answered / (time.perf_counter() - began)


def best(url: str, service: str, files: list[bytes]) -> tuple[float, int]:
    """Return the most answers a second of all numbers of clients, and which number that was."""
    requests = [request(service, [file]) for file in files]
    rates = {clients: uvloop.run(closed_loop(url, requests, clients)) for clients in CLIENTS}
    clients = max(rates, key=lambda one: rates[one])
    return rates[clients], clients


def commanded(url: str, service: str, folder: Path, count: int) -> tuple[float, float, float]:
    """Return the answers a second that the command tells, those of its whole life, and its CPU seconds."""
    words = ["predict", service, str(folder), "--url", url]
    start = time.perf_counter()
    process = psutil.Popen(
        [str(Path(sys.executable).with_name("modelhub")), *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    before = sum(psutil.Process().cpu_times()[2:4])
    _, said = process.communicate()
    seconds = time.perf_counter() - start
    used = sum(psutil.Process().cpu_times()[2:4]) - before  # of children that have ended
    match = _SUMMARY.search(said)
    if match is None or int(match[1]) != count or process.returncode != 0:
        raise Incomplete(said)
    return float(match[2]), count / seconds, used


def measure(url: str, service: str, folder: Path, files: list[bytes]) -> Round:
    """Return one round."""
    rate, clients = best(url, service, files)
    command_rate, whole, cpu_s = commanded(url, service, folder, len(files))
    return Round(rate, clients, command_rate, whole, cpu_s / len(files) * 1e3)


def table(rounds: dict[str, list[Round]]) -> Table:
    """Return medians with their bar."""
    count = len(next(iter(rounds.values())))
    drawn = Table(
        "service", "gateway's best/s", "clients", "command/s", "ratio", "with start and end/s", "ratio",
        "bar", "CPU ms a picture", title=f"medians of {count} rounds, {os.cpu_count()} cores",
    )  # fmt: skip
    for service, some in rounds.items():
        ratio = statistics.median(one.command_rate / one.best for one in some)
        whole = statistics.median(one.whole / one.best for one in some)
        drawn.add_row(
            service, f"{statistics.median(one.best for one in some):.1f}", str(some[0].clients),
            f"{statistics.median(one.command_rate for one in some):.1f}", f"{ratio:.3f}",
            f"{statistics.median(one.whole for one in some):.1f}", f"{whole:.3f}",
            f"at least {BAR}{'' if ratio >= BAR else ', MISSED'}",
            f"{statistics.median(one.cpu_ms for one in some):.2f}",
        )  # fmt: skip
    return drawn


def main(
    count: Annotated[int, typer.Option(min=1, help="Pictures in the folder.")] = 500,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    service: Annotated[list[str] | None, typer.Option(help="Which services; may be repeated.")] = None,
) -> None:
    """Measure the gateway that MODELHUB_URL names."""
    url = os.environ["MODELHUB_URL"]
    found: dict[str, list[Round]] = {}
    with tempfile.TemporaryDirectory() as name:
        files = make_pictures(Path(name), count)
        for one in service or SERVICES:
            commanded(url, one, Path(name), count)  # both are warm from here on
            found[one] = [
                measure(url, one, Path(name), files)
                for _ in track(range(rounds), description=one, console=Console(stderr=True), transient=True)
            ]
    Console(width=WIDTH).print(table(found))


if __name__ == "__main__":
    typer.run(main)
