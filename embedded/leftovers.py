"""Stubs that Triton 2.51 forgets when a model is healed, and that nobody will ask anything again.

A request that a dead stub fails is never released there. Its model, once unloaded, waits for it as long as
Triton runs, and with it wait the model's other stubs, each with its net in memory.
"""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

import psutil

from embedded.stubs import Stub, live_stubs


def leftovers(stubs: Iterable[Stub], counts: Mapping[str, int], settling_s: float, now: float) -> list[Stub]:
    """Return the stubs that a model has beyond its count, the oldest, where all the others have settled.

    `now` is in seconds of Unix time. A stub has settled after `settling_s` seconds of life: what the older
    ones still had to do is done then.
    """
    by_model = defaultdict(list)
    for stub in stubs:
        if stub.model in counts:
            by_model[stub.model].append(stub)
    forgotten = []
    for model, those in by_model.items():
        those.sort(key=lambda stub: stub.process.create_time())
        older, current = those[: -counts[model]], those[-counts[model] :]
        if current[-1].process.create_time() <= now - settling_s:
            forgotten += older
    return forgotten


def end_leftovers(triton_pid: int, counts: Mapping[str, int], settling_s: float) -> list[Stub]:
    """End the leftovers among the children of Triton; return them."""
    with contextlib.suppress(psutil.NoSuchProcess):
        ended = leftovers(live_stubs(psutil.Process(triton_pid)), counts, settling_s, time.time())
        for stub in ended:
            with contextlib.suppress(psutil.NoSuchProcess):
                stub.process.kill()
        return ended
    return []
