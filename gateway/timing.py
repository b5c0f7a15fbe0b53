"""Where a request's time went: the stages of `Server-Timing`.

| stage | from | to |
|---|---|---|
| `fetch` | a picture's URL is asked for | the file is here; absent where the body has the picture |
| `queue` | the gateway sends to Triton | the first step begins: the way there, and the wait for an instance |
| `preprocess` | the first step begins | it ends |
| `net` | the first step ends | the last one begins: the net, its queue, and the last step's queue |
| `postprocess` | the last step begins | it ends; nets that it asks itself are in it |
| `encode` | the last step ends | the head of the answer is sent, or `draw` begins: the way back, and JSON |
| `draw` | a picture is to be drawn | its file is there, the wait for a thread included; absent of JSON |
| `total` | the request's head is here | the head of the answer is sent |

Nets of the last step are all but the first of `ocr`, `shelf_counting` and `instance_segmentation`. Receiving
the body and reading its JSON are in `total` alone. Where Triton was asked twice, the first time is in
`queue`. A large answer is written while it is sent, after its head: of that `encode` has only the beginning.
Steps tell their times by the wall clock (`vision.stage_times`), which they share with the gateway on one
machine; should clocks disagree, a stage is 0 and never less.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import Scope

from modelhub.kinds import Tensors
from vision.stage_times import STAGE_TIMES

STAGES = ("fetch", "queue", "preprocess", "net", "postprocess", "encode", "draw")
TOTAL = "total"

_KEY = "timing"


class Timing:
    """The stages of one request, as they come to be known."""

    def __init__(self) -> None:
        self.began_ns = time.time_ns()
        self.spans: dict[str, tuple[int, int]] = {}
        """Beginning and end of each stage that there was, in nanoseconds of Unix time."""
        self._began = time.perf_counter_ns()
        self._total_s: float | None = None
        self._answer_since_ns: int | None = None

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Take the block as the stage `fetch`, however it is left."""
        began_ns = time.time_ns()
        try:
            yield
        finally:
            self._put("fetch", began_ns, time.time_ns())

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Take the block as the stage `draw`, however it is left; `encode` ends where it begins."""
        began_ns = time.time_ns()
        self._encoded(began_ns)
        try:
            yield
        finally:
            self._put("draw", began_ns, time.time_ns())

    def record_triton(self, outputs: Tensors, sent_at_ns: int, received_at_ns: int) -> None:
        """Take the steps' times out of an ensemble's `outputs`; of a batch those of its first row.

        Without them, as from an ensemble of somebody else's, all of Triton's time is `net`.
        """
        times = outputs.pop(STAGE_TIMES, None)
        if times is None:
            self._put("net", sent_at_ns, received_at_ns)
            self._answer_since_ns = received_at_ns
            return
        began, preprocessed, resumed, ended = (int(at) for at in times.reshape(-1, 4)[0])
        self._put("queue", sent_at_ns, began)
        self._put("preprocess", began, preprocessed)
        self._put("net", preprocessed, resumed)
        self._put("postprocess", resumed, ended)
        self._answer_since_ns = ended

    def begin_answer(self) -> None:
        """Say that the head of the answer is sent now: `encode` and `total` end."""
        self._encoded(time.time_ns())
        self._total_s = self.elapsed_s()

    def elapsed_s(self) -> float:
        """Return the seconds since the request's head."""
        return (time.perf_counter_ns() - self._began) / 1e9

    def seconds(self) -> dict[str, float]:
        """Return the stages that there were, in order, and `total` once the answer has begun."""
        known = {
            name: (self.spans[name][1] - self.spans[name][0]) / 1e9 for name in STAGES if name in self.spans
        }
        return known if self._total_s is None else known | {TOTAL: self._total_s}

    def header(self) -> str:
        """Return the value of `Server-Timing`: `queue;dur=1.2, ..., total;dur=30.1`, in milliseconds."""
        return ", ".join(f"{name};dur={seconds * 1e3:.1f}" for name, seconds in self.seconds().items())

    def _encoded(self, ended_ns: int) -> None:
        if self._answer_since_ns is not None:
            self._put("encode", self._answer_since_ns, ended_ns)
            self._answer_since_ns = None

    def _put(self, stage: str, began_ns: int, ended_ns: int) -> None:
        self.spans[stage] = (began_ns, max(began_ns, ended_ns))


def timing_of(scope: Scope) -> Timing:
    """Return the timing of the request of `scope`, which begins when it is first asked for."""
    state: dict[str, Any] = scope.setdefault("state", {})
    if _KEY not in state:
        state[_KEY] = Timing()
    timing: Timing = state[_KEY]
    return timing
