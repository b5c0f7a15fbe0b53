"""What a run of comparisons comes to, service by service: pure.

Of each request a few numbers are kept, of the worst what the report shows, and no answers: a run may be long.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

import numpy as np

from modelhub.replay.compare import Comparison, Failure, Outcome
from modelhub.replay.measures import DEFINITIONS
from modelhub.replay.recording import Recorded
from modelhub.replay.spelling import Spelling

WORST = 10
"""How many of the pairs that differ are kept of each service, the worst."""

BINS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Upper ends of a distribution's bins, in tolerances; the last bin has none."""

Example = TypeVar("Example")
"""What is kept of a pair that differs; the pair itself is let go, since answers can be large."""

LATENCIES = (50, 90, 99)
"""Percentiles that are told of each side's seconds."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one side answered, and the seconds from the request's first byte to the answer's last."""

    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One recorded request and what both sides made of it."""

    recorded: Recorded
    replies: tuple[Reply, Reply]
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values of one figure of one service."""

    name: str
    tolerance: float
    count: int
    median: float
    p90: float
    worst: float
    beyond: int
    """How many are not within the tolerance."""
    bins: tuple[int, ...]
    """How many fall to each of BINS and beyond; where nothing is tolerated, to the first and the last."""


@dataclass(slots=True)
class Service(Generic[Example]):
    """What came of the requests to one service."""

    show: Callable[[Pair], Example]
    requests: int = 0
    alike: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    """Of the requests that both sides answered."""
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What both sides said, in words, to the requests that not both of them answered."""
    spellings: tuple[Counter[Spelling], Counter[Spelling]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    _worst: list[tuple[tuple[int, float], int, Example]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=lambda: count(0, -1))

    def add(self, pair: Pair) -> None:
        """Count a pair."""
        self.requests += 1
        self.alike += pair.comparison.alike
        for measure in pair.comparison.measures:
            self.values[measure.name].append(measure.value)
        for counter, found in zip(self.spellings, pair.comparison.spellings, strict=True):
            counter.update(found)
        if any(isinstance(reply.outcome, Failure) for reply in pair.replies):
            before, after = (_word(reply.outcome) for reply in pair.replies)
            self.failures[before, after] += 1
        else:
            for seconds, reply in zip(self.seconds, pair.replies, strict=True):
                seconds.append(reply.seconds)
        if not pair.comparison.alike:
            self._keep(pair)

    def _keep(self, pair: Pair) -> None:
        rank = pair.comparison.badness, next(self._order)
        if len(self._worst) < WORST:
            heapq.heappush(self._worst, (*rank, self.show(pair)))
        elif rank > self._worst[0][:2]:
            heapq.heapreplace(self._worst, (*rank, self.show(pair)))

    def worst(self) -> list[Example]:
        """Return what was kept of the pairs that differ most, the worst first, at most WORST."""
        return [example for *_, example in sorted(self._worst, key=lambda one: one[:2], reverse=True)]

    def distributions(self, tolerances: Mapping[str, float]) -> list[Distribution]:
        """Return every figure that was taken, in the order of DEFINITIONS."""
        taken = (name for name in DEFINITIONS if name in self.values)
        return [_distribution(name, self.values[name], tolerances[name]) for name in taken]

    def latencies(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the seconds of both sides at LATENCIES; nothing where both answered none of the requests."""
        before, after = (
            tuple(np.percentile(seconds, LATENCIES).tolist()) if seconds else () for seconds in self.seconds
        )
        return before, after


def _word(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        return str(outcome.code) if outcome.code else "nothing"
    return "an answer"


def _distribution(name: str, values: Sequence[float], tolerance: float) -> Distribution:
    array = np.asarray(values)
    median, p90 = np.percentile(array, (50, 90)).tolist()
    return Distribution(
        name,
        tolerance,
        len(values),
        median,
        p90,
        float(array.max()),
        int((array > tolerance).sum()),
        _bins(array, tolerance),
    )


def _bins(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", tolerance: float) -> tuple[int, ...]:
    ends = np.array(BINS) * tolerance
    places = np.searchsorted(ends, values, side="left")
    return tuple(np.bincount(places, minlength=len(BINS) + 1).tolist())


class Tally(Generic[Example]):
    """All of a run; `show` makes what is kept of a pair that is among the worst."""

    def __init__(self, show: Callable[[Pair], Example]) -> None:
        self._show = show
        self.services: dict[str, Service[Example]] = {}

    def add(self, pair: Pair) -> None:
        """Count a pair."""
        self.services.setdefault(pair.recorded.service, Service(self._show)).add(pair)

    @property
    def alike(self) -> bool:
        """Whether every pair is within the tolerances."""
        return all(one.alike == one.requests for one in self.services.values())

    @property
    def requests(self) -> int:
        """How many pairs there were."""
        return sum(one.requests for one in self.services.values())
