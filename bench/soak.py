"""Everything that callers send, mixed, for half an hour, and what the system holds meanwhile: `make soak`.

All services are asked, with hazard pictures and requests that are to be refused among them, and clients who
leave. What each kind of process holds is sampled and written to `out/soak/`; what grows after the
first five minutes is a leak.
"""

import asyncio
import contextlib
import csv
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Annotated

import psutil
import typer
from rich.console import Console

from bench.answers import Verdict, summary
from bench.cases import Case, hanging_up, nuisance_cases
from bench.faults.arena import Arena
from bench.faults.site import QUICK, Site, all_clear, none_wrong
from bench.load import Load, Outcome, Plan
from embedded.checks import MIB
from embedded.paths import REPOSITORY, ROOT
from embedded.repository import stub_counts
from evaluation.figure import Figure, at_most, table

SHARE = 0.6
"""Of the cores, kept busy."""
NUISANCES, LEAVING = 0.15, 0.05
"""Shares of the requests that are hazards or wrong, and that are left by their clients."""
EVERY_S = 5.0
WARM_S = 300.0
"""Seconds after which what is held must stay as it is; of a short soak, a sixth of it."""
MAX_GROWTH = 0.02
SUMMED = ("memory_mib", "rss_mib", "shared_memory_mib", "handles", "threads", "processes")
WIDTH = 160

Sample = Mapping[str, float]
"""Column of the file to value; times in seconds from the start."""

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class Held:
    """What the processes of one kind hold."""

    memory_mib: float
    """Proportional: what processes share is counted once."""
    rss_mib: float
    handles: float
    threads: float
    processes: float

    @classmethod
    def by(cls, processes: Sequence[psutil.Process]) -> "Held":
        """Return what `processes` hold; one that ends meanwhile holds nothing."""
        held = []
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
                memory = process.memory_full_info()
                held.append(
                    cls(memory.pss / MIB, memory.rss / MIB, process.num_fds(), process.num_threads(), 1)
                )
        return cls(*(sum(getattr(one, name) for one in held) for name in cls.__dataclass_fields__))


def sample(arena: Arena, began: float) -> dict[str, float]:
    """Return what the system holds now, by kind of process and in all."""
    row: dict[str, float] = {"seconds": time.monotonic() - began}
    held = {kind: Held.by(processes) for kind, processes in arena.processes().items()}
    for kind, one in held.items():
        row |= {f"{kind}_{name}": value for name, value in vars(one).items()}
    for name in Held.__dataclass_fields__:
        row[name] = sum(getattr(one, name) for one in held.values())
    row["shared_memory_mib"] = sum(size for size in _region_sizes(arena)) / MIB
    return row


def _region_sizes(arena: Arena) -> Iterator[int]:
    """Yield the bytes that each of the system's shared-memory regions takes."""
    for region in arena.regions():
        with contextlib.suppress(FileNotFoundError):
            yield region.stat().st_blocks * 512


@dataclass(frozen=True)
class Growth:
    """One quantity after the warm-up and at the end, each as the mean over as long as the warm-up took."""

    name: str
    early: float
    late: float

    @property
    def share(self) -> float:
        """Return by which share it grew; below zero it shrank."""
        return self.late / self.early - 1 if self.early else float(self.late > 0)


def growths(samples: Sequence[Sample], warm_s: float) -> list[Growth]:
    """Return the growth of each quantity of `samples`; ValueError where they do not last long enough."""
    ends = samples[-1]["seconds"]
    early = [row for row in samples if warm_s <= row["seconds"] < 2 * warm_s]
    late = [row for row in samples if row["seconds"] > ends - warm_s]
    if not early or ends < 3 * warm_s:
        raise ValueError(f"{ends:.0f} s of samples tell nothing of growth after {warm_s:.0f} s")
    return [
        Growth(name, mean(row[name] for row in early), mean(row[name] for row in late))
        for name in samples[0]
        if name != "seconds"
    ]


def plan_of(site: Site) -> Plan:
    """Return the load: all services, and among them what is hard, wrong, or left."""
    names = list(site.repertoire.cases)
    site.say("asking every hazard of every process")
    # A process keeps what its largest picture took. The largest are rare in the load: without this, what is
    # held would grow until chance has shown them to the last process. Those of a step share what comes
    # together.
    together = max(stub_counts(REPOSITORY).values())
    nuisances = asyncio.run(nuisance_cases(site.arena.url, names, together))
    leaving = hanging_up([some[0] for some in site.repertoire.cases.values()])
    plan = site.plan(rate=site.rate_of(SHARE))
    cases: dict[str, Sequence[Case]] = {**plan.cases, "nuisances": nuisances, "leaving": leaving}
    ordinary = 1 - NUISANCES - LEAVING
    weights = {name: share * ordinary for name, share in plan.weights.items()}
    return replace(plan, cases=cases, weights={**weights, "nuisances": NUISANCES, "leaving": LEAVING})


def soaked(site: Site, seconds: float, file: Path) -> tuple[list[Sample], Outcome]:
    """Keep the load up for `seconds`; return the samples, which are in `file` too, and what became of it."""
    samples: list[Sample] = []
    plan = plan_of(site)
    site.say(f"{plan.rate:.1f} requests/s for {seconds / 60:.0f} minutes; samples in {file}")
    file.parent.mkdir(parents=True, exist_ok=True)
    with Load(plan) as load, file.open("w", newline="") as text:
        began = time.monotonic()
        writer = csv.DictWriter(text, list(sample(site.arena, began)))
        writer.writeheader()
        while (now := time.monotonic()) < began + seconds:
            samples.append(sample(site.arena, began))
            writer.writerow({name: f"{value:.2f}" for name, value in samples[-1].items()})
            text.flush()
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - now)))
        return samples, load.stop()


def figures(samples: Sequence[Sample], outcome: Outcome, warm_s: float) -> Iterator[Figure]:
    """Yield the rows."""
    minutes = samples[-1]["seconds"] / 60
    for growth in growths(samples, warm_s):
        said = f"{growth.share:+.2%} ({growth.early:.1f} to {growth.late:.1f})"
        name = f"{minutes:.0f} minutes: growth of {growth.name}"
        if growth.name in SUMMED:
            yield at_most(name, growth.share, MAX_GROWTH, said)
        elif growth.name.endswith(("_memory_mib", "_handles")):
            yield Figure(name, said, "", None)  # whose it is; the rest is in the file
    yield none_wrong("soak", outcome.exchanges)
    waiting = [answer for answer in outcome.exchanges if answer.verdict is not Verdict.HUNG_UP]
    yield all_clear("soak", waiting)
    failed = outcome.by_verdict[Verdict.FAILED]
    yield at_most(
        "soak: failures", len(failed), 0, f"{len(failed)} of {len(waiting)} {summary(failed)}".strip()
    )
    yield Figure("soak: the load", outcome.summary(), "", None)


@app.command()
def main(minutes: Annotated[float, typer.Option(min=1, help="How long.")] = 30.0) -> None:
    """Keep a mixed load up for `minutes` on a system of its own, and print what grew."""
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started is stopped
    seconds = minutes * 60
    warm_s = min(WARM_S, seconds / 6)
    file = ROOT / "out" / "soak" / f"{time.strftime('%Y%m%d-%H%M%S')}.csv"
    with Arena() as arena:
        samples, outcome = soaked(Site.of(arena, QUICK, console), seconds, file)
    Console(width=WIDTH).print(table(list(figures(samples, outcome, warm_s))))


if __name__ == "__main__":
    sys.exit(app())
