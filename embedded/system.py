"""Triton and the gateway as one thing that starts, is watched, and stops.

with System(Settings()) as system:
    system.start(report=print)
    system.watch()          # returns never; raises ProcessDied when a part ends
"""

import os
import re
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
from embedded.nets import ServedNet, check_seeded, link_whole_services, served_nets
from embedded.paths import REPOSITORY, ROOT, RUN, SHARED_MEMORY
from embedded.process import Child, remove_regions, remove_stale_regions
from gateway.settings import Settings

REGION_FAMILY = "modelhub"
START_TIMEOUT_S = 180.0
GATEWAY_GRACE_S = 35.0
"""More than a request's deadline, so that what is in flight is finished."""
TRITON_GRACE_S = 10.0
"""Nothing is in flight by then; stubs take a second each to leave."""

Report = Callable[[str], None]


class System:
    """The two processes; a context manager that leaves no process and no shared memory behind.

    A `partial` repository is served as far as it is exported, service by service; any other must be whole.
    """

    def __init__(
        self,
        settings: Settings,
        repository: Path = REPOSITORY,
        run: Path | None = None,
        *,
        partial: bool = False,
        allow_seeded: bool = False,
    ) -> None:
        self.settings = settings
        self.run = run or RUN / str(settings.port)  # two systems never share a port
        self.nets: list[ServedNet] = []
        """What is served, from the start on."""
        self.left_out: list[str] = []
        """Services of a partial repository that are not."""
        self._repository = repository
        self._partial, self._allow_seeded = partial, allow_seeded
        self._children: list[Child] = []
        self._prefix = f"{REGION_FAMILY}-{os.getpid()}-{time.monotonic_ns()}-"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, report: Report) -> None:
        """Check, start both, and return when every service answers; raises StartError."""
        self.start_triton(report)
        self.start_gateway(report)

    def start_triton(self, report: Report) -> None:
        """Check, start Triton alone, and return when all its models are loaded; raises StartError."""
        self._check()
        self._children.append(self._triton())
        self._wait(self.triton_url("/v2/health/ready"), report, "Triton loads its models")

    def start_gateway(self, report: Report) -> None:
        """Start the gateway beside a running Triton and return when every service answers."""
        self._children.append(self._gateway())
        self._wait(self.gateway_url("/health/ready"), report, "the gateway tries every service")

    def stop(self) -> None:
        """Stop the gateway, which finishes what is in flight, then Triton; remove its shared memory."""
        while self._children:
            child = self._children.pop()
            child.stop(GATEWAY_GRACE_S if child.name == "gateway" else TRITON_GRACE_S)
        remove_regions(SHARED_MEMORY, self._prefix)

    def watch(self, interval_s: float = 0.5) -> None:
        """Return never; raises ProcessDied, with the end of its log, when a part ends."""
        while True:
            self._raise_if_dead()
            time.sleep(interval_s)

    def gateway_url(self, path: str = "") -> str:
        """Return the gateway's address."""
        return f"http://{_bracketed(self.settings.host)}:{self.settings.port}{path}"

    def triton_url(self, path: str = "") -> str:
        """Return the address of Triton's HTTP endpoint."""
        return f"http://{_bracketed(self.settings.triton_host)}:{self.settings.triton_http_port}{path}"

    def processes(self) -> Sequence[Child]:
        """Return the running children: Triton, then the gateway."""
        return tuple(self._children)

    def _check(self) -> None:
        settings = self.settings
        if self._partial:
            whole = self.run / "repository"
            self.left_out = link_whole_services(self._repository, whole)
            self._repository = whole
        else:
            checks.check_exported(self._repository)
        self.nets = served_nets(self._repository)
        if not self._allow_seeded:
            check_seeded(self.nets)
        checks.check_ports(
            {
                "MODELHUB_PORT": (settings.host, settings.port),
                "MODELHUB_TRITON_HTTP_PORT": (settings.triton_host, settings.triton_http_port),
                "MODELHUB_TRITON_GRPC_PORT": (settings.triton_host, settings.triton_grpc_port),
                "MODELHUB_TRITON_METRICS_PORT": (settings.triton_host, settings.triton_metrics_port),
            }
        )
        remove_stale_regions(SHARED_MEMORY, REGION_FAMILY)
        checks.check_shared_memory(SHARED_MEMORY, checks.count_stubs(self._repository))

    def _triton(self) -> Child:
        parts = find_triton()
        backends = assemble_backends(parts, self.run / "backends")
        settings = self.settings
        command = [
            str(parts.binary),
            f"--model-repository={self._repository}",
            f"--backend-directory={backends}",
            f"--http-address={settings.triton_host}",
            f"--http-port={settings.triton_http_port}",
            f"--grpc-address={settings.triton_host}",
            f"--grpc-port={settings.triton_grpc_port}",
            f"--metrics-address={settings.triton_host}",
            f"--metrics-port={settings.triton_metrics_port}",
            "--allow-gpu-metrics=false",
            "--disable-auto-complete-config",  # every config is complete; filling in costs a second a model
            f"--exit-timeout-secs={int(TRITON_GRACE_S)}",
            f"--backend-config=python,shm-region-prefix-name={self._prefix}",
        ]
        return Child("Triton", command, triton_environment(parts, os.environ), self.run / "triton.log")

    def _gateway(self) -> Child:
        command = [sys.executable, "-m", "gateway"]
        environment = {**os.environ, **settings_environment(self.settings), "PYTHONPATH": str(ROOT)}
        return Child("gateway", command, environment, self.run / "gateway.log")

    def _wait(self, url: str, report: Report, doing: str) -> None:
        start = time.monotonic()
        while not _answers(url):
            self._raise_if_dead()
            waited = time.monotonic() - start
            if waited > START_TIMEOUT_S:
                raise ProcessDied(f"not ready after {waited:.0f} s ({doing}); logs in {self.run}")
            report(f"{doing} ({waited:.0f} s)")
            time.sleep(0.2)

    def _raise_if_dead(self) -> None:
        for child in self._children:
            status = child.exit_status()
            if status is None:
                continue
            faults = failed_models(child.log.read_text(errors="replace"))
            if faults:
                raise ModelFailed("Triton refused " + "; ".join(faults) + f" (log: {child.log})")
            raise ProcessDied(
                f"{child.name} ended with status {status}; the end of {child.log}:\n{child.last_lines()}"
            )


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which a child process reads the same settings."""
    prefix = Settings.model_config["env_prefix"]
    return {f"{prefix}{name}".upper(): str(value) for name, value in settings.model_dump().items()}


_FAILED_ROW = re.compile(r"^\| (?P<model>\S+) +\| \d+ +\| UNAVAILABLE: (?P<reason>.*?) *\|$", re.MULTILINE)
_FAILED_LINE = re.compile(r"failed to load '(?P<model>[^']+)'[^:]*: (?P<reason>.+)$", re.MULTILINE)


def failed_models(log: str) -> list[str]:
    """Return `model: reason` for each model that a Triton log says failed to load."""
    reasons = {match["model"]: match["reason"] for match in _FAILED_ROW.finditer(log)}
    for match in _FAILED_LINE.finditer(log):
        reasons[match["model"]] = match["reason"].rstrip('"')
    return [f"{model}: {reason}" for model, reason in sorted(reasons.items())]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
