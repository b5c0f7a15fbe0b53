"""Latency and throughput of the JSON gateway beside the same work in bare threads: `make bench`.

Rounds alternate between the two, so that a machine whose speed drifts treats both alike; medians are printed.
"""

import itertools
import os
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pybase64
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.wire import REFUSED_PAUSE_S
from demo.samples import SHELF
from evaluation.figure import WIDTH
from evaluation.picture_files import encoded
from evaluation.pipelines import PIPELINES
from gateway.samples import place
from gateway.services import SERVICES

CLIENTS, BARE_THREADS = 4, 2
ROUNDS = 5
MAX_EXTRA_MS = 8.0
MIN_RATIO = 0.9
"""Of requests a second through the gateway to those of bare threads."""

Call = Callable[[bytes], object]
"""Answers one picture file."""


@dataclass(frozen=True)
class Load:
    """Which pictures a service is measured with, and how many in a round."""

    pictures: tuple[str, ...] = ("astronaut.png", "chelsea.png", "coffee.png", "china.jpg")
    longest_side: int = 448
    alone: int = 40
    together: int = 160


LOADS = dict.fromkeys(PIPELINES, Load()) | {
    "scene_classification": Load(("china.jpg", "rocket.jpg", "flower.jpg")),
    "image_similarity": Load(alone=20, together=80),
    "shelf_counting": Load((SHELF.name,), 1280, 3, 12),
    "ocr": Load(("page.png",), 448, 2, 8),
}


@dataclass(frozen=True)
class Row:
    """Medians over the rounds: milliseconds of one client, requests a second of several."""

    service: str
    bare_ms: float
    gateway_ms: float
    bare_rate: float
    gateway_rate: float


def jpegs(load: Load) -> list[bytes]:
    """Return the load's pictures as JPEG files of at most `longest_side` pixels a side."""
    files = []
    for name in load.pictures:
        picture = Image.open(place(name)).convert("RGB")
        picture.thumbnail((load.longest_side, load.longest_side))
        files.append(encoded(picture, "JPEG", quality=90))
    return files


def gateway_call(url: str, service: str) -> Call:
    """Return a caller with a connection of its own; it raises RuntimeError unless the answer is a success.

    A refusal, 429, is asked again a little later, as callers do: the waiting counts as the server's time. It
    speaks HTTP/1.1 by hand, since a client library's work would be measured as the gateway's.
    """
    fields = [field.encode() for field in SERVICES[service].pictures]
    address = urlsplit(url)
    stream = socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=60)
    reader = stream.makefile("rb")
    head = f"POST /api/predict/{service} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: ".encode()

    def call(image: bytes) -> object:
        text = pybase64.b64encode(image)
        body = b"{" + b",".join(b'"%s":"%s"' % (field, text) for field in fields) + b"}"
        request = b"%s%d\r\n\r\n%s" % (head, len(body), body)
        while True:
            status, answer = exchange(request)
            if b" 200 " in status:
                return answer
            if b" 429 " not in status:
                raise RuntimeError(answer.decode())
            time.sleep(REFUSED_PAUSE_S)

    def exchange(request: bytes) -> tuple[bytes, bytes]:
        stream.sendall(request)
        status = reader.readline()
        length = 0
        while (line := reader.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, reader.read(length)

    return call


def latency_ms(call: Call, images: Sequence[bytes], count: int) -> float:
    """Return the median milliseconds of `count` calls, one after another."""
    times = []
    for image in itertools.islice(itertools.cycle(images), count):
        start = time.perf_counter()
        call(image)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def rate(calls: Sequence[Call], images: Sequence[bytes], count: int) -> float:
    """Return answers a second of `count` calls; each caller, in a thread, takes the next in turn."""
    failures: list[Exception] = []
    indices = iter(range(count))  # whoever is free goes on, so that none is left alone at the end

    def work(call: Call) -> None:
        try:
            for index in indices:
                call(images[index % len(images)])
        except Exception as error:  # raised again below, in the thread that reports
            failures.append(error)

    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    if failures:
        raise failures[0]
    return count / elapsed


def measure(url: str, service: str, load: Load) -> Row:
    """Return the figures of one service."""
    images = jpegs(load)
    bare: list[Call] = [PIPELINES[service]() for _ in range(BARE_THREADS)]
    for call in (*bare, gateway_call(url, service)):
        call(images[0])
    rounds = [
        (
            latency_ms(bare[0], images, load.alone),
            latency_ms(gateway_call(url, service), images, load.alone),
            rate(bare, images, load.together),
            rate([gateway_call(url, service) for _ in range(CLIENTS)], images, load.together),
        )
        for _ in track(range(ROUNDS), description=service, transient=True)
    ]
    return Row(service, *(statistics.median(column) for column in zip(*rounds, strict=True)))


def table(rows: Sequence[Row]) -> Table:
    """Return the figures with their bars."""
    drawn = Table(
        "service", "bare ms", "gateway ms", f"extra ms (at most {MAX_EXTRA_MS:.0f})",
        f"bare/s, {BARE_THREADS} threads", f"gateway/s, {CLIENTS} clients", "ratio", "at least",
        title=f"medians of {ROUNDS} rounds, {os.cpu_count()} cores",
    )  # fmt: skip
    for row in rows:
        drawn.add_row(
            row.service, f"{row.bare_ms:.1f}", f"{row.gateway_ms:.1f}", f"{row.gateway_ms - row.bare_ms:.1f}",
            f"{row.bare_rate:.1f}", f"{row.gateway_rate:.1f}", f"{row.gateway_rate / row.bare_rate:.2f}",
            str(MIN_RATIO),
        )  # fmt: skip
    return drawn


def main() -> None:
    """Measure the gateway that MODELHUB_URL names; services may be given as arguments."""
    services = sys.argv[1:] or list(LOADS)
    rows = [measure(os.environ["MODELHUB_URL"], service, LOADS[service]) for service in services]
    Console(width=WIDTH).print(table(rows))


if __name__ == "__main__":
    main()
