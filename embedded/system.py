"""Triton and the gateway as one system that starts, is kept running, and stops.

with System(Settings()) as system:
    system.start(report=print)
    system.supervise(report=print)    # never returns; starts again whatever ends
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from embedded import checks
from embedded.assemble import assemble_backends, find_triton, triton_environment
from embedded.errors import ModelFailed, ProcessDied
from embedded.flags import EXIT_TIMEOUT_S, triton_flags
from embedded.health import Health
from embedded.journal import Journal
from embedded.leftovers import end_leftovers
from embedded.paths import ROOT, SHARED_MEMORY
from embedded.process import Child, remove_stale_regions
from embedded.repository import WHOLE, Scope, Selection, check_seeded, select, stub_counts
from embedded.settings import (
    gateway_grace_s,
    gateway_url,
    listen_addresses,
    run_folder,
    settings_environment,
    triton_url,
    with_key,
)
from embedded.supervisor import START_TIMEOUT_S, Part, Readiness
from gateway.settings import Settings

REGION_FAMILY = "modelhub"
TRITON_GRACE_S = EXIT_TIMEOUT_S + 5.0
"""Stubs take a second each to leave, many at a time."""
TRITON_NICENESS = 5
"""So that the gateway refuses at once while the stubs, many more than cores, have all of them."""
TICK_S = 0.1
TIDY_EVERY_S = 5.0

Report = Callable[[str], None]


class System:
    """The two processes; a context manager that leaves no process and no shared memory behind.

    What happens after the start is written to `supervisor.log`.
    """

    def __init__(self, settings: Settings, scope: Scope = WHOLE, run: Path | None = None) -> None:
        self.settings = with_key(settings)
        self.run = run or run_folder(settings)
        self.served = Selection({}, {}, [])
        """What is served, from the start on."""
        self._scope = scope
        self._stub_counts: dict[str, int] = {}
        self._report: Report = _ignore
        self._journal: Journal | None = None
        # It speaks plain HTTP; certificates would take time to load. It keeps no connection: for one that is
        # open Triton waits, when it is asked to stop, to the end of its time.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(trust_env=False, verify=False, limits=limits)
        self._triton_part = Part(
            "Triton",
            self._launch_triton,
            lambda: self._answers(self.triton_url("/v2/health/ready")),
            TRITON_GRACE_S,
            time.monotonic,
            self._say,
        )
        self._gateway_part = Part(
            "gateway",
            self._launch_gateway,
            lambda: self._answers(self.gateway_url("/health/live")),
            self.gateway_grace_s,
            time.monotonic,
            self._say,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._client.close()

    @property
    def gateway_grace_s(self) -> float:
        """Seconds within which the gateway ends: requests by their deadline."""
        return gateway_grace_s(self.settings)

    def start(self, report: Report) -> None:
        """Check, start both, and return when every service answers; raises StartError."""
        self.start_triton(report)
        self.start_gateway(report)

    def start_triton(self, report: Report) -> None:
        """Check, start Triton alone, and return when all its models are loaded; raises StartError."""
        self._check()
        assemble_backends(find_triton(), self._backends)
        self._open_logs()
        self._triton_part.start()
        self._wait(self.triton_url("/v2/health/ready"), report, "Triton loads its models")
        self._triton_part.answered()

    def start_gateway(self, report: Report) -> None:
        """Start the gateway beside a running Triton and return when every service answers."""
        self._gateway_part.start()
        self._wait(self.gateway_url("/health/ready"), report, "the gateway tries every service")
        self._gateway_part.answered()

    def supervise(self, report: Report, until: Callable[[], bool] = lambda: False) -> None:
        """Start again whatever ends or does not answer, until `until()`, which is asked ten times a second.

        What happens is given to `report`, a sentence each.
        """
        self._report = report
        health = Health(self.gateway_url("/health/ready"), self.gateway_grace_s)
        tidy_at = time.monotonic()
        try:
            while not until():
                for part in self._parts:
                    part.watch()
                self._heal(health)
                if time.monotonic() >= tidy_at:
                    self._tidy()
                    tidy_at = time.monotonic() + TIDY_EVERY_S
                time.sleep(TICK_S)
        finally:
            health.close()

    def stop(self) -> None:
        """Stop the gateway, which finishes what is in flight, then Triton; remove its shared memory."""
        for part in reversed(self._parts):
            process, part.process = part.process, None
            if isinstance(process, Child):
                start = time.monotonic()
                process.stop(part.grace_s)
                took_s = time.monotonic() - start
                self._record(f"{part.name} stopped after {took_s:.1f} s", part=part.name, event="stopped")

    def gateway_url(self, path: str = "") -> str:
        """Return the gateway's address."""
        return gateway_url(self.settings, path)

    def triton_url(self, path: str = "") -> str:
        """Return the address of Triton's HTTP endpoint."""
        return triton_url(self.settings, path)

    def processes(self) -> Sequence[Child]:
        """Return the running children: Triton, then the gateway."""
        return tuple(part.process for part in self._parts if isinstance(part.process, Child))

    @property
    def _parts(self) -> tuple[Part, Part]:
        return self._triton_part, self._gateway_part

    @property
    def _backends(self) -> Path:
        return self.run / "backends"

    def _check(self) -> None:
        self.served = select(self._scope)
        self._stub_counts = stub_counts(self._scope.repository, self.served.to_load)
        if not self._scope.allow_seeded:
            check_seeded(self.served.nets)
        checks.check_ports(listen_addresses(self.settings))
        remove_stale_regions(SHARED_MEMORY, REGION_FAMILY)
        checks.check_shared_memory(SHARED_MEMORY, sum(self._stub_counts.values()))

    def _open_logs(self) -> None:
        """Empty the logs, which restarts go on writing, and open the supervisor's own."""
        self._journal = Journal(self.run / "supervisor.log")
        for part in self._parts:
            self._log_of(part).write_bytes(b"")

    def _log_of(self, part: Part) -> Path:
        return self.run / f"{part.name.lower()}.log"

    def _launch_triton(self) -> Child:
        parts = find_triton()
        # Of each start its own, so that what a killed one left is known.
        regions = f"{REGION_FAMILY}-{os.getpid()}-{time.monotonic_ns()}-"
        flags = triton_flags(
            self.settings, self._scope.repository, self.served.to_load, self._backends, regions
        )
        return Child(
            "Triton",
            ["nice", f"--adjustment={TRITON_NICENESS}", str(parts.binary), *flags],
            triton_environment(parts, os.environ),
            self._log_of(self._triton_part),
            regions=regions,
        )

    def _launch_gateway(self) -> Child:
        command = [sys.executable, "-m", "gateway"]
        environment = {**os.environ, **settings_environment(self.settings), "PYTHONPATH": str(ROOT)}
        return Child("gateway", command, environment, self._log_of(self._gateway_part))

    def _wait(self, url: str, report: Report, doing: str) -> None:
        start = time.monotonic()
        while not self._answers(url, timeout_s=30):
            self._raise_if_dead()
            waited = time.monotonic() - start
            if waited > START_TIMEOUT_S:
                raise ProcessDied(f"not ready after {waited:.0f} s ({doing}); logs in {self.run}")
            report(f"{doing} ({waited:.0f} s)")
            time.sleep(2 * TICK_S)

    def _raise_if_dead(self) -> None:
        for child in self.processes():
            status = child.exit_status()
            if status is None:
                continue
            if reason := child.reason():
                raise ModelFailed(f"Triton refused {reason} (log: {child.log})")
            raise ProcessDied(
                f"{child.name} ended with status {status}; the end of {child.log}:\n{child.last_lines()}"
            )

    def _heal(self, health: Health) -> None:
        """Replace Triton where a service has not answered for long, the gateway where it is silent itself."""
        if not all(part.ready for part in self._parts):
            health.forget()
            return
        fault = health.fault()
        if fault is Readiness.NOT_READY:
            self._triton_part.replace("a service has not answered for long, and was not healed alone")
        elif fault is Readiness.SILENT:
            self._gateway_part.replace("it has not answered for long")

    def _tidy(self) -> None:
        """End the stubs that Triton forgot when a model was healed."""
        triton = self._triton_part.process
        if self._triton_part.ready and isinstance(triton, Child):
            for stub in end_leftovers(triton.pid, self._stub_counts, self.gateway_grace_s):
                self._record(f"a forgotten stub of {stub.model} is ended", event="tidied", model=stub.model)

    def _say(self, sentence: str, **fields: object) -> None:
        self._record(sentence, **fields)
        self._report(sentence)

    def _record(self, sentence: str, **fields: object) -> None:
        if self._journal:
            self._journal.write(sentence, **fields)

    def _answers(self, url: str, timeout_s: float = 2) -> bool:
        try:
            return self._client.get(url, timeout=timeout_s).is_success
        except httpx.HTTPError:
            return False


def _ignore(sentence: str) -> None:
    """Before `supervise` nobody listens: the journal has it."""
