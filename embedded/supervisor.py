"""What is done when a process ends or stops answering; processes, questions and clocks are given.

A `Part` is one process that is started again whenever it ends. A `Watchdog` says which part is to be replaced
where all live and the system does not answer all the same.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEALTHY_S = 5.0
"""Seconds of readiness after which an end counts as the first one again: what ends later was no bad start."""
START_TIMEOUT_S = 180.0
"""Seconds within which a process must be ready."""
PATIENCE_S = 60.0
"""Seconds for which a system that was ready may fail to answer before a part of it is replaced."""
LONGEST_PATIENCE_S = 3600.0

Clock = Callable[[], float]
Report = Callable[..., None]
"""Takes a sentence, and fields for the log."""


class Process(Protocol):
    """A running process and all that it started."""

    def exit_status(self) -> int | None:
        """Return the exit status, or None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def clear(self) -> None:
        """End what is left of it at once, and remove what it leaves behind."""

    def reason(self) -> str:
        """Return in one line why it ended; empty where nothing says so."""


@dataclass
class Backoff:
    """How long to wait before a process is started again: twice as long every time, up to a bound."""

    _next_s: float = FIRST_DELAY_S

    def delay_s(self, ready_for_s: float) -> float:
        """Return the delay after a life that was ready for `ready_for_s` seconds."""
        if ready_for_s >= HEALTHY_S:
            self._next_s = FIRST_DELAY_S
        delay = self._next_s
        self._next_s = min(2 * delay, LONGEST_DELAY_S)
        return delay


@dataclass
class Part:
    """A process that is started again, after a delay, whenever it ends.

    `launch` starts it, `is_ready` asks it, and `report` is called at every end, restart and return.
    """

    name: str
    launch: Callable[[], Process]
    is_ready: Callable[[], bool]
    grace_s: float
    clock: Clock
    report: Report
    restarts: int = 0
    process: Process | None = None
    """None between an end and the next start."""
    _backoff: Backoff = field(default_factory=Backoff)
    _started_at: float = 0.0
    _ready_at: float | None = None
    _again_at: float = 0.0
    _ended_at: float = 0.0
    _kill_at: float | None = None

    @property
    def ready(self) -> bool:
        """Tell whether it runs, has answered since its start, and is not being replaced."""
        return self.process is not None and self._ready_at is not None and self._kill_at is None

    def start(self) -> None:
        """Start it. Raises OSError where the system gives it no process or no log."""
        self._started_at, self._ready_at, self._kill_at = self.clock(), None, None
        self.process = self.launch()

    def answered(self) -> None:
        """Take it for ready."""
        self._ready_at = self.clock()

    def watch(self) -> None:
        """Do what is due now, and do not wait."""
        if self.process is None:
            if self.clock() >= self._again_at:
                self._restart()
            return
        status = self.process.exit_status()
        if status is not None:
            self._ended(self.process, status)
        elif self._kill_at is not None:
            if self.clock() >= self._kill_at:
                self.process.clear()
        elif self._ready_at is None:
            self._look()

    def replace(self, reason: str) -> None:
        """Ask it to end, and end it after its grace; `watch` then starts it again."""
        if self.process is not None and self._kill_at is None:
            self.report(f"{self.name} is replaced: {reason}", part=self.name, event="replaced", reason=reason)
            self._kill_at = self.clock() + self.grace_s
            self.process.terminate()

    def _restart(self) -> None:
        self.restarts += 1
        try:
            self.start()
        except OSError as error:  # no memory, no disk: as if it had ended at once
            self._wait(f"{self.name} cannot be started ({error})")

    def _look(self) -> None:
        if self.is_ready():
            self.answered()
            took_s = self.clock() - self._ended_at
            self.report(
                f"{self.name} is ready again, {took_s:.1f} s after its end",
                part=self.name,
                event="ready",
                restarts=self.restarts,
                took_s=round(took_s, 1),
            )
        elif self.clock() - self._started_at >= START_TIMEOUT_S:
            self.replace(f"not ready after {START_TIMEOUT_S:.0f} s")

    def _ended(self, process: Process, status: int) -> None:
        self._ended_at = self.clock()
        process.clear()
        self.process = None
        reason = process.reason()
        self._wait(
            f"{self.name} ended with status {status}" + (f" ({reason})" if reason else ""), status=status
        )

    def _wait(self, what: str, **fields: object) -> None:
        """Say when it is started again, which `watch` does."""
        now = self.clock()
        delay_s = self._backoff.delay_s(0.0 if self._ready_at is None else now - self._ready_at)
        self._again_at = now + delay_s
        restart = self.restarts + 1
        self.report(
            f"{what}; restart {restart} in {delay_s:g} s",
            part=self.name,
            event="ended",
            restart=restart,
            delay_s=delay_s,
            **fields,
        )


class Readiness(enum.Enum):
    """What the gateway says of the whole when it is asked."""

    READY = "ready"
    NOT_READY = "not ready"
    """It answers that a service does not: the gateway lives, so Triton is to blame."""
    SILENT = "silent"
    """It does not answer at all."""


@dataclass
class Watchdog:
    """Notices that the system has not answered for too long although every process lives.

    Each replacement that does not help doubles the patience, so that one service that cannot be healed does
    not cost the others an interruption a minute.
    """

    clock: Clock
    patience_s: float = PATIENCE_S
    _failing_since: float | None = None
    """None while it answers."""
    _patience_s: float = PATIENCE_S
    """`patience_s`, and more after every replacement."""

    def __post_init__(self) -> None:
        self._patience_s = self.patience_s

    def observe(self, readiness: Readiness) -> Readiness | None:
        """Take a readiness; return it where it ends too long a time of faults: its part is replaced."""
        now = self.clock()
        if readiness is Readiness.READY:
            self._failing_since, self._patience_s = None, self.patience_s
            return None
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since < self._patience_s:
            return None
        self._patience_s = min(2 * self._patience_s, LONGEST_PATIENCE_S)
        self._failing_since = now
        return readiness

    def forget(self) -> None:
        """Start counting again: a part is away, which does not count."""
        self._failing_since = None
