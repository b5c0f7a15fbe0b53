"""Triton and the gateway as one thing that starts, is kept running, and stops.

with System(Settings()) as system:
    system.start(report=print)
    system.supervise(tell=print)    # returns never; starts again whatever ends
"""

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from pydantic import SecretStr, ValidationError

from embedded import checks
from embedded.assemble import assemble_backends, find_triton, triton_environment
from embedded.errors import ModelFailed, ProcessDied, WrongSetting
from embedded.flags import EXIT_TIMEOUT_S, triton_flags
from embedded.health import Health
from embedded.journal import Journal
from embedded.leftovers import end_leftovers
from embedded.nets import ServedNet, check_seeded, link_whole_services, served_nets
from embedded.paths import REPOSITORY, ROOT, RUN, SHARED_MEMORY
from embedded.process import Child, remove_stale_regions
from embedded.supervisor import START_TIMEOUT_S, Part, Readiness
from gateway.settings import Settings

REGION_FAMILY = "modelhub"
GATEWAY_MARGIN_S = 5.0
"""What the gateway is given beyond a request's deadline to finish what is in flight."""
TRITON_GRACE_S = EXIT_TIMEOUT_S + 5.0
"""Stubs take a second each to leave, many at a time."""
TRITON_NICENESS = 5
"""So that the gateway refuses at once while the stubs, many more than cores, have all of them."""
TICK_S = 0.1
TIDY_EVERY_S = 5.0
_PREFIX = Settings.model_config["env_prefix"]

Report = Callable[[str], None]


class System:
    """The two processes; a context manager that leaves no process and no shared memory behind.

    A `partial` repository is served as far as it is exported, service by service; any other must be whole.
    What happens after the start is written to `supervisor.log`.
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
        self.settings = keyed(settings)
        self.run = run or run_folder(settings)
        self.nets: list[ServedNet] = []
        """What is served, from the start on."""
        self.left_out: list[str] = []
        """Services of a partial repository that are not."""
        self._repository = repository
        self._partial, self._allow_seeded = partial, allow_seeded
        self._tell: Report = _keep_silent
        self._journal: Journal | None = None
        # It speaks plain HTTP; certificates would take time to load. It keeps no connection: for one that is
        # open Triton waits, when it is told to stop, to the end of its time.
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

    def supervise(self, tell: Report, until: Callable[[], bool] = lambda: False) -> None:
        """Start again whatever ends or does not answer, until `until()`, which is asked ten times a second.

        What happens is told to `tell`, a sentence each.
        """
        self._tell = tell
        health = Health(self.gateway_url("/health/ready"), self.gateway_grace_s)
        counts = checks.stub_counts(self._repository)
        tidy_at = time.monotonic()
        try:
            while not until():
                for part in self._parts:
                    part.watch()
                self._heal(health)
                if time.monotonic() >= tidy_at:
                    self._tidy(counts)
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
        return f"http://{_bracketed(self.settings.triton_host)}:{self.settings.triton_http_port}{path}"

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
        if self._partial:
            whole = self.run / "repository"
            self.left_out = link_whole_services(self._repository, whole)
            self._repository = whole
        else:
            checks.check_exported(self._repository)
        self.nets = served_nets(self._repository)
        if not self._allow_seeded:
            check_seeded(self.nets)
        checks.check_ports(listening(self.settings))
        remove_stale_regions(SHARED_MEMORY, REGION_FAMILY)
        checks.check_shared_memory(SHARED_MEMORY, checks.count_stubs(self._repository))

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
        flags = triton_flags(self.settings, self._repository, self._backends, regions)
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

    def _tidy(self, counts: Mapping[str, int]) -> None:
        """End the stubs that Triton forgot when a model was healed."""
        triton = self._triton_part.process
        if self._triton_part.ready and isinstance(triton, Child):
            for stub in end_leftovers(triton.pid, counts, self.gateway_grace_s):
                self._record(f"a forgotten stub of {stub.model} is ended", event="tidied", model=stub.model)

    def _say(self, sentence: str, **fields: object) -> None:
        self._record(sentence, **fields)
        self._tell(sentence)

    def _record(self, sentence: str, **fields: object) -> None:
        if self._journal:
            self._journal.write(sentence, **fields)

    def _answers(self, url: str, timeout_s: float = 2) -> bool:
        try:
            return self._client.get(url, timeout=timeout_s).is_success
        except httpx.HTTPError:
            return False


def run_folder(settings: Settings) -> Path:
    """Return the folder of logs and state: two systems never share a port."""
    return RUN / str(settings.port)


def read_settings() -> Settings:
    """Return the settings of the environment; raises WrongSetting, which names all that cannot be."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"{_PREFIX}{fault['loc'][0]}".upper() + f": {fault['msg']}" for fault in error.errors()]
        raise WrongSetting("; ".join(faults)) from None


def gateway_url(settings: Settings, path: str = "") -> str:
    """Return the address at which the gateway answers."""
    return f"http://{_bracketed(settings.host)}:{settings.port}{path}"


def gateway_grace_s(settings: Settings) -> float:
    """Return the seconds within which the gateway answers or ends: a request's deadline, and some more."""
    return settings.deadline_s + GATEWAY_MARGIN_S


def listening(settings: Settings) -> dict[str, tuple[str, int]]:
    """Return the addresses that Triton and the gateway listen on, by the settings of their ports."""
    return {
        "MODELHUB_PORT": (settings.host, settings.port),
        "MODELHUB_METRICS_PORT": (settings.metrics_host, settings.metrics_port),
        "MODELHUB_TRITON_HTTP_PORT": (settings.triton_host, settings.triton_http_port),
        "MODELHUB_TRITON_GRPC_PORT": (settings.triton_host, settings.triton_grpc_port),
        "MODELHUB_TRITON_METRICS_PORT": (settings.triton_host, settings.triton_metrics_port),
    }


def keyed(settings: Settings) -> Settings:
    """Return `settings` with a key to Triton's closed APIs, a new one if they have none."""
    if settings.triton_key.get_secret_value():
        return settings
    return settings.model_copy(update={"triton_key": SecretStr(secrets.token_urlsafe(32))})


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which a child process reads the same settings, key included."""
    return {f"{_PREFIX}{name}".upper(): _plain(value) for name, value in settings.model_dump().items()}


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _keep_silent(sentence: str) -> None:
    """Tell nobody: what is told before anybody listens stands in the journal."""
