"""Stubs that Triton 2.51 forgets when a model is healed, and that nobody will ask anything again.

A request that a dead stub fails is never released there. Its model, once unloaded, waits for it as long as
Triton runs, and with it wait the model's other stubs, each with its net in memory.
"""

import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import psutil

SETTLING_S = 15.0
"""Seconds after which a model's new stubs have taken over: what its old ones still had to do is done."""

_MODEL_OF = re.compile(r"/(?P<model>[^/ ]+)/\d+/model\.(?:py|onnx)\b")


class Stub(NamedTuple):
    """A running stub; `started_at` is in seconds of Unix time."""

    pid: int
    model: str
    started_at: float


def leftovers(stubs: Iterable[Stub], counts: Mapping[str, int], now: float) -> list[Stub]:
    """Return the stubs that a model has beyond its count, the oldest, where all the others have settled."""
    by_model = defaultdict(list)
    for stub in stubs:
        by_model[stub.model].append(stub)
    forgotten = []
    for model, those in by_model.items():
        those.sort(key=lambda stub: stub.started_at)
        older, current = those[: -counts[model]], those[-counts[model] :]
        if current[-1].started_at <= now - SETTLING_S:
            forgotten += older
    return forgotten


def end_leftovers(triton_pid: int, counts: Mapping[str, int]) -> list[Stub]:
    """End the leftovers among the children of Triton; return them."""
    ended = leftovers(_stubs(triton_pid, counts), counts, time.time())
    for stub in ended:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(stub.pid).kill()
    return ended


def _stubs(triton_pid: int, counts: Mapping[str, int]) -> Iterator[Stub]:
    """Yield the living stubs of the models of `counts`."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(triton_pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one too
                found = _MODEL_OF.search(" ".join(child.cmdline()))
                if found and found["model"] in counts:
                    yield Stub(child.pid, found["model"], child.create_time())
