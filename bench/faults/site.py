"""What the parts of `make faults` share: how long each lasts, the load of ordinary callers, rows."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rich.console import Console

from bench.answers import Exchange, Verdict, of, p99_ms, summary, wrong_answers
from bench.cases import Repertoire, repertoire
from bench.faults.arena import Arena
from bench.load import Outcome, Plan
from evaluation.figure import Figure, at_most
from gateway.services import SERVICES

TRITON_HEALTH_S, STUB_HEALTH_S = 30.0, 10.0
"""The bars: from a kill to full health."""
GIVE_UP_S = 90.0
"""After which health is not waited for any longer."""


@dataclass(frozen=True)
class Scale:
    """How long and how often things are done."""

    point_s: float = 20.0
    """Each number of clients in the search for the best goodput."""
    overload_s: float = 120.0
    stub_kills: int = 20
    triton_kills: int = 20
    gateway_kills: int = 20
    hold_s: float = 20.0
    """How long a hazard lasts that has no length of its own."""


QUICK = Scale(point_s=6, overload_s=20, stub_kills=6, triton_kills=1, gateway_kills=2, hold_s=10)


@dataclass(frozen=True)
class Site:
    """A running system and what may be asked of it."""

    arena: Arena
    repertoire: Repertoire
    scale: Scale
    console: Console

    @classmethod
    def of(cls, arena: Arena, scale: Scale, console: Console) -> "Site":
        """Return the site of `arena`, every picture asked alone before."""
        console.print("  asking every picture alone")
        site = cls(arena, asyncio.run(repertoire(arena.url, SERVICES)), scale, console)
        times = (f"{name} {seconds * 1e3:.0f} ms" for name, seconds in site.repertoire.seconds.items())
        site.say(f"alone: {', '.join(times)}")
        return site

    def plan(
        self, *, rate: float = 0, clients: int = 0, seconds: float = float("inf"), seed: int = 1
    ) -> Plan:
        """Return a load of all services, each taking the same share of machine time."""
        cases, weights = self.repertoire.cases, self.repertoire.weights()
        return Plan(self.arena.url, cases, weights, rate, clients, seconds, seed)

    def without(self, *services: str) -> "Site":
        """Return the same site, of whose services these are not asked."""
        cases, seconds = (
            {name: value for name, value in table.items() if name not in services}
            for table in (self.repertoire.cases, self.repertoire.seconds)
        )
        return replace(self, repertoire=Repertoire(cases, seconds))  # type: ignore[arg-type]

    def rate_of(self, share: float) -> float:
        """Return the requests a second that keep `share` of the cores busy, by what answers take alone."""
        weights, seconds = self.repertoire.weights(), self.repertoire.seconds
        return share * (os.cpu_count() or 1) / sum(weights[name] * seconds[name] for name in weights)

    def say(self, line: str) -> None:
        """Tell how far it is."""
        self.console.print(f"  {line}", highlight=False)


Part = Callable[[Site], Iterator[Figure]]
"""Yields its rows."""


def between(outcome: Outcome, begins: float, ends: float) -> list[Exchange]:
    """Return the answers to requests that came in between."""
    return [answer for answer in outcome.exchanges if begins <= answer.due < ends]


def clear(answer: Exchange) -> bool:
    """Tell whether its caller knows what became of it: a right answer, or a failure by the contract."""
    return answer.status != 0 and answer.verdict is not Verdict.WRONG


def none_wrong(what: str, answers: list[Exchange]) -> Figure:
    """Return the row of wrong answers."""
    wrong = wrong_answers(answers)
    return at_most(
        f"{what}: wrong answers", len(wrong), 0, f"{len(wrong)} of {len(answers)} {wrong[:2] or ''}"
    )


def all_clear(what: str, answers: list[Exchange]) -> Figure:
    """Return the row of requests whose callers were left in the dark."""
    dark = [answer for answer in answers if not clear(answer)]
    said = summary(dark) if dark else f"0 of {len(answers)}: {summary(answers)}"
    return at_most(f"{what}: requests without a clear answer", len(dark), 0, said)


def healthy_again(what: str, seconds: float, bar: float) -> Figure:
    """Return the row of the time to full health."""
    return at_most(f"{what}: full health after", seconds, bar, f"{seconds:.1f} s")


def unaffected(
    what: str, quiet: list[Exchange], meanwhile: list[Exchange], max_ratio: float = 3.0
) -> Iterator[Figure]:
    """Yield the rows of ordinary callers' errors and p99, beside those in quiet."""
    bad = [answer for answer in meanwhile if answer.verdict is not Verdict.RIGHT]
    yield at_most(
        f"{what}: other callers' errors",
        len(bad),
        0,
        f"{len(bad)} of {len(meanwhile)} {summary(bad)}".strip(),
    )
    before, now = (p99_ms(of(answers, Verdict.RIGHT)) for answers in (quiet, meanwhile))
    said = f"{now / before:.1f} ({now:.0f} ms to {before:.0f} ms)"
    yield at_most(f"{what}: other callers' p99 over that in quiet", now / before, max_ratio, said)
