"""What runs out or goes away under a running system: `/dev/shm`, the disk of the logs, a model's folder.

The system has small ones of its own here (`bench.faults.arena.SmallDisks`).
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from PIL import Image

from bench.answers import Verdict
from bench.cases import Case, request
from bench.faults.site import (
    GIVE_UP_S,
    TRITON_HEALTH_S,
    Site,
    all_clear,
    between,
    healthy_again,
    none_wrong,
)
from bench.load import Load, Plan
from demo.samples import SAMPLES
from embedded.paths import SHARED_MEMORY
from evaluation.figure import Figure
from evaluation.picture_files import encoded

SHARE = 0.3
REMOVED = "image_classification_preprocess"
MAX_FILLED_BYTES = 2**30
"""What is larger was not made to be filled."""
LARGE = "large"
"""Of a picture for which every stub that takes it needs more shared memory."""
_SIDES = (3000, 2000)
_LARGE_SERVICES = ("semantic_segmentation", "image_colorization", "shelf_counting")


def shortages(site: Site) -> Iterator[Figure]:
    """Yield the rows of what runs out or goes away."""
    run, shared_memory = site.arena.inside(site.arena.run), site.arena.inside(SHARED_MEMORY)
    # The disk first: it must not be needed by what the others break.
    yield from _figures(site, "disk of the logs full", lambda: full(run), [])
    yield from _figures(site, "/dev/shm full", lambda: full(shared_memory), large_cases())
    yield from _figures(site, "a model's folder removed", lambda: _folder_away(site), [])


def _figures(
    site: Site, name: str, hazard: Callable[[], AbstractContextManager[None]], more: list[Case]
) -> Iterator[Figure]:
    """Yield the rows of `hazard`, while callers go on asking; some of them ask `more`."""
    whole = site.arena.census()
    with Load(with_more(site.plan(rate=site.rate_of(SHARE)), more)) as load:
        begins = time.monotonic()
        with hazard():
            time.sleep(site.scale.hold_s)
        ends = time.monotonic()
        seconds = site.arena.seconds_to_health(site.repertoire, whole, ends, GIVE_UP_S)
        outcome = load.stop()
    site.say(f"{name}: {outcome.summary()}; healthy after {seconds:.1f} s {site.arena.missing}")
    meanwhile = between(outcome, begins, ends)
    yield all_clear(name, meanwhile)
    yield none_wrong(name, outcome.exchanges)
    failed = sum(one.verdict is Verdict.FAILED for one in meanwhile)
    large = sum(one.picture == LARGE for one in meanwhile)
    said = f"{failed} of {len(meanwhile)}" + (f", {large} of them with large pictures" if more else "")
    yield Figure(f"{name}: failures meanwhile, of requests", said, "", None)
    yield healthy_again(name, seconds, TRITON_HEALTH_S)


def with_more(plan: Plan, more: list[Case]) -> Plan:
    """Return `plan` in which one request of five is one of `more`, the rest in their proportions."""
    if not more:
        return plan
    weights = {**plan.weights, "more": sum(plan.weights.values()) / 4}
    return replace(plan, cases={**plan.cases, "more": more}, weights=weights)


def large_cases() -> list[Case]:
    """Return one large picture for each of some services.

    They are not asked alone before, since the shared memory that they need would be there from then on.
    """
    picture = Image.open(SAMPLES / "chelsea.png").convert("RGB").resize(_SIDES)
    file = encoded(picture, "JPEG", quality=80)
    return [Case(service, LARGE, request(service, [file]), None) for service in _LARGE_SERVICES]


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Take all that is left in `folder`, a small disk of its own; RuntimeError where it is not."""
    state = os.statvfs(folder)
    if not folder.is_mount() or state.f_blocks * state.f_frsize > MAX_FILLED_BYTES:
        raise RuntimeError(f"{folder} is not the system's own: it is not filled")
    filler = folder / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def _folder_away(site: Site) -> Iterator[None]:
    """Take the folder of one model away and kill one of its stubs: the model is to be loaded anew."""
    folder, aside = site.arena.repository / REMOVED, site.arena.repository.with_suffix(".aside")
    folder.rename(aside)
    try:
        Random(4).choice(site.arena.stubs()[REMOVED]).kill()
        yield
    finally:
        aside.rename(folder)
