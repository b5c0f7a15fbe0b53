"""Rounds that alternate between servers, so that a machine whose speed drifts treats all alike."""

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.speed import Call, gateway_call, rate


@dataclass
class Series:
    """What one server did under one number of clients."""

    rates: list[float] = field(default_factory=list)
    """Answers a second, of each round."""
    times_ms: list[float] = field(default_factory=list)
    """Of every request of every round."""

    @property
    def rate(self) -> float:
        """Return the median answers a second."""
        return statistics.median(self.rates)

    @property
    def spread(self) -> float:
        """Return how far apart the fastest and the slowest round are, as a part of the median."""
        return (max(self.rates) - min(self.rates)) / self.rate

    @property
    def p99_ms(self) -> float:
        """Return the time within which 99 of 100 requests were answered."""
        return float(np.percentile(self.times_ms, 99))


SeriesByClients = dict[int, dict[str, Series]]
"""By the number of clients and the server."""


def no_series(clients: Iterable[int], servers: Iterable[str]) -> SeriesByClients:
    """Return series in which nothing is measured yet."""
    names = list(servers)
    return {number: {name: Series() for name in names} for number in clients}


@dataclass(frozen=True)
class Targets:
    """Who is asked what."""

    urls: Mapping[str, str]
    """By the server's name."""
    service: str
    images: Sequence[bytes]


def add_round(series: SeriesByClients, targets: Targets, counts: Mapping[int, int], turn: int) -> None:
    """Add a round of every server to `series`; `counts` has its number of requests by that of clients.

    Connections are made before the clock starts, anew for each round, since some servers close idle ones.
    """
    for clients, count in counts.items():
        for server in in_turn(list(targets.urls), turn):
            one, url = series[clients][server], targets.urls[server]
            calls = [timed(gateway_call(url, targets.service), one.times_ms) for _ in range(clients)]
            one.rates.append(rate(calls, targets.images, count))


def timed(call: Call, times_ms: list[float]) -> Call:
    """Return `call`, which also adds its milliseconds to `times_ms`."""

    def measured(image: bytes) -> object:
        start = time.perf_counter()
        answer = call(image)
        times_ms.append((time.perf_counter() - start) * 1e3)
        return answer

    return measured


def in_turn(servers: Sequence[str], turn: int) -> list[str]:
    """Return the servers, another one first at every turn."""
    first = turn % len(servers)
    return [*servers[first:], *servers[:first]]
