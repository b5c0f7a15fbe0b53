"""kill -9 of every kind of process under load: what callers see of it, and when all is whole again."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from random import Random

import psutil

from bench.answers import Exchange, Verdict, percentile, summary
from bench.faults.arena import Arena
from bench.faults.site import (
    GIVE_UP_S,
    STUB_HEALTH_S,
    TRITON_HEALTH_S,
    Site,
    all_clear,
    none_wrong,
)
from bench.load import Load
from embedded.settings import gateway_grace_s
from embedded.system import TIDY_EVERY_S
from evaluation.figure import Figure, at_most
from gateway.settings import Settings

SHARE = 0.4
"""Of the cores, kept busy while things are killed."""
STUB_KINDS = ("_preprocess", "_net", "_postprocess")
TIDIED_S = gateway_grace_s(Settings()) + 2 * TIDY_EVERY_S
"""Within so many seconds of a kill nothing of the old model is left: what it had to do is done or late."""
_CALM_S = 2.0  # of load before the first kill and after each recovery

Victim = Callable[[], tuple[str, psutil.Process]]
"""Gives what is killed next, by name."""


@dataclass(frozen=True)
class Kill:
    """One kill, in seconds of `time.monotonic()`."""

    name: str
    at: float
    healthy_s: float


def kill(site: Site) -> Iterator[Figure]:
    """Yield the rows of stubs, of Triton and of the gateway."""
    scale = site.scale
    stubs = stub_victims(site.arena, Random(9))
    yield from _figures(site, "stub", lambda: next(stubs), scale.stub_kills, STUB_HEALTH_S)
    yield from _figures(site, "gateway", lambda: _one(site.arena.gateway), scale.gateway_kills, STUB_HEALTH_S)
    yield from _figures(site, "Triton", lambda: _one(site.arena.triton), scale.triton_kills, TRITON_HEALTH_S)


def stub_victims(arena: Arena, chance: Random) -> Iterator[tuple[str, psutil.Process]]:
    """Yield one stub after another, of each kind of step in turn."""
    for kind in cycle(STUB_KINDS):
        stubs = arena.stubs()
        model = chance.choice(sorted(model for model in stubs if model.endswith(kind)))
        yield model, chance.choice(stubs[model])


def _one(find: Callable[[], psutil.Process | None]) -> tuple[str, psutil.Process]:
    process = find()
    if process is None:
        raise RuntimeError(f"there is no {find.__name__} to kill")
    return find.__name__, process


def _figures(site: Site, kind: str, victim: Victim, count: int, bar_s: float) -> Iterator[Figure]:
    whole = site.arena.census()
    kills: list[Kill] = []
    with Load(site.plan(rate=site.rate_of(SHARE))) as load:
        time.sleep(_CALM_S)
        for _ in range(count):
            kills.append(_killed(site, *victim(), whole))
            if kills[-1].healthy_s == float("inf"):
                break  # what comes after would be blamed on the next kill
            time.sleep(_CALM_S)
        outcome = load.stop()
    name = f"kill -9 of a {kind}" if kind == "stub" else f"kill -9 of {kind}"
    missed = len(kills) < count or any(kill.healthy_s == float("inf") for kill in kills)
    times = [kill.healthy_s for kill in kills]
    worst, median = max(times), percentile(times, 50)
    said = f"{worst:.1f} s at most, {median:.1f} s median of {len(kills)}" + (" (gave up)" if missed else "")
    yield at_most(f"{name}: full health after (s)", worst, bar_s, said)
    yield none_wrong(name, outcome.exchanges)
    if kind == "stub":
        yield _errors(name, kills, outcome.exchanges)
    else:
        errors = outcome.by_verdict[Verdict.FAILED]
        said = f"{len(errors) / len(kills):.1f} a kill: {summary(errors)}"
        yield Figure(f"{name}: callers who saw an error", said, "", None)
    if kind == "Triton":
        yield all_clear(name, outcome.exchanges)
    left = len(site.arena.left_over(TIDIED_S))
    yield at_most(f"{name}: processes left over", left, 0, f"{left} after {len(kills)} kills")
    refused = len(outcome.by_verdict[Verdict.REFUSED])
    yield Figure(
        f"{name}: callers who were refused (429)", f"{refused} of {len(outcome.exchanges)}", "", None
    )


def _killed(site: Site, name: str, process: psutil.Process, whole: Counter[str]) -> Kill:
    at = time.monotonic()
    process.kill()
    # The kernel takes a moment to bury it, in which everything still looks whole.
    psutil.wait_procs([process], timeout=1)
    healthy_s = site.arena.seconds_to_health(site.repertoire, whole, at, GIVE_UP_S)
    site.say(f"{name}: healthy after {healthy_s:.1f} s {site.arena.missing}")
    return Kill(name, at, healthy_s)


def errors_by_kill(kills: Sequence[Kill], errors: Sequence[Exchange]) -> list[int]:
    """Return how many `errors` came after each of `kills` and before the next."""
    ends = [*(kill.at for kill in kills), float("inf")]
    return [sum(begins <= error.ended < end for error in errors) for begins, end in pairwise(ends)]


def _errors(name: str, kills: Sequence[Kill], answers: Sequence[Exchange]) -> Figure:
    """Return the row of callers who saw an error, the worst kill named."""
    errors = [answer for answer in answers if answer.verdict is Verdict.FAILED]
    said = f"{len(errors)} after {len(kills)} kills"
    if errors:
        most, worst = max(zip(errors_by_kill(kills, errors), (kill.name for kill in kills), strict=True))
        said += f" (most, {most}, of {worst}): {summary(errors)}"
    return at_most(f"{name}: callers who saw an error", len(errors), 0, said)
