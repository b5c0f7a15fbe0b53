"""A system of its own to be hurt: what `make up` starts, on free ports, its processes known by kind.

with Arena() as arena:
    arena.stubs()["ocr_preprocess"][0].kill()
    seconds = arena.seconds_to_health(repertoire, whole, at=time.monotonic(), timeout_s=60)

With `SmallDisks` it has its own `/dev/shm`, its own disk for logs and its own model repository, all of them
small, in a mount namespace: they can be filled and taken away without harm to anything else.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

from bench.answers import Verdict, judge
from bench.cases import Repertoire
from bench.faults.generations import Generations
from bench.wire import Broken, Pool
from embedded.paths import REPOSITORY, ROOT, RUN, SHARED_MEMORY
from embedded.process import Child
from embedded.stubs import Stub, live_stubs
from embedded.system import REGION_FAMILY
from gateway.settings import Settings

START_TIMEOUT_S = 240.0
STOP_GRACE_S = 60.0
RIGHT_IN_A_ROW = 3
"""Right answers in a row, of every service, that prove health."""
_POLL_S = 0.2
_PROBE_TIMEOUT_S = 45.0  # more than the gateway's deadline


@dataclass(frozen=True)
class SmallDisks:
    """Sizes, in MiB, of the private places that can be filled."""

    shared_memory: int = 512
    disk: int = 192


class NotMountable(RuntimeError):  # noqa: N818 - what the mounts are
    """This user may not make a mount namespace."""


def free_environment() -> dict[str, str]:
    """Return a free port for every port of the settings, as environment variables."""
    names = [name for name in Settings.model_fields if name == "port" or name.endswith("_port")]
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return {
            f"MODELHUB_{name}".upper(): str(one.getsockname()[1])
            for name, one in zip(names, sockets, strict=True)
        }


class Arena:
    """A running system; a context manager that leaves no process behind."""

    def __init__(
        self, small_disks: SmallDisks | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        ports = free_environment()
        self.url = f"http://127.0.0.1:{ports['MODELHUB_PORT']}"
        self.run = RUN / ports["MODELHUB_PORT"]
        self.log = ROOT / "out" / "faults" / f"launcher-{ports['MODELHUB_PORT']}.log"
        self.repository = ROOT / "out" / "faults" / f"repository-{ports['MODELHUB_PORT']}"
        """With small disks: the copy that is served."""
        self._small_disks = small_disks
        self._environment = {**os.environ, **ports, "PYTHONPATH": str(ROOT), **(environment or {})}
        self.missing = ""
        """What kept it from being whole when that was last asked."""
        self._launcher: Child | None = None
        self._generations = Generations()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    # Its processes

    @property
    def launcher(self) -> psutil.Process:
        """Return what was started; raises RuntimeError, with the end of its log, where it has ended."""
        assert self._launcher is not None
        if self._launcher.exit_status() is not None:
            raise RuntimeError(f"the launcher ended: {self._launcher.last_lines()}")
        return psutil.Process(self._launcher.pid)

    def triton(self) -> psutil.Process | None:
        """Return the server, where it runs."""
        return self._child("tritonserver")

    def gateway(self) -> psutil.Process | None:
        """Return the gateway, where it runs."""
        return self._child("-m gateway")

    def stubs(self) -> dict[str, list[psutil.Process]]:
        """Return the stubs that serve, by model."""
        stubs: dict[str, list[psutil.Process]] = {}
        for stub in self._generations.serving(self._live_stubs()):
            stubs.setdefault(stub.model, []).append(stub.process)
        return stubs

    def left_over(self, patience_s: float) -> list[Stub]:
        """Return the stubs that live and do not serve after `patience_s`: remains of models loaded anew.

        It returns as soon as there are none.
        """
        ends_at = time.monotonic() + patience_s
        while (left := self._generations.left_over(self._live_stubs())) and time.monotonic() < ends_at:
            time.sleep(1)
        return left

    def _live_stubs(self) -> list[Stub]:
        triton = self.triton()
        return list(live_stubs(triton)) if triton else []

    def census(self) -> Counter[str]:
        """Return how many processes serve, by kind: the gateway, Triton, each model's stubs."""
        census = Counter({model: len(processes) for model, processes in self.stubs().items()})
        census.update(gateway=int(self.gateway() is not None), Triton=int(self.triton() is not None))
        return census

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Return every process by kind: launcher, gateway, Triton, stubs."""
        kinds = {
            "launcher": [self.launcher],
            "stubs": [stub.process for stub in self._live_stubs()],
        }
        for kind, process in (("gateway", self.gateway()), ("Triton", self.triton())):
            kinds[kind] = [process] if process else []
        return kinds

    def regions(self) -> list[Path]:
        """Return the shared memory of its server, as files."""
        return list(self.inside(SHARED_MEMORY).glob(f"{REGION_FAMILY}-{self.launcher.pid}-*"))

    # Its health

    def seconds_to_health(
        self, repertoire: Repertoire, whole: Counter[str], at: float, timeout_s: float
    ) -> float:
        """Return how many seconds after `at` the system was whole, as was proved; infinity after `timeout_s`.

        Whole is: as many processes of each kind as in `whole`, `/health/ready` says 200, and from then on
        RIGHT_IN_A_ROW answers of every service are right. What the proof itself takes does not count.
        What was missing last stands in `missing`.
        """
        while (since := time.monotonic() - at) < timeout_s:
            self.missing = self._missing(repertoire, whole)
            if not self.missing:
                return since
            time.sleep(_POLL_S)
        return float("inf")

    def _missing(self, repertoire: Repertoire, whole: Counter[str]) -> str:
        census = self.census()
        if census != whole:
            return f"processes: {dict(whole - census)} missing, {dict(census - whole)} too many"
        if not self._says_ready():
            return "/health/ready does not say 200"
        return asyncio.run(self._unproved(repertoire))

    def _says_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=_PROBE_TIMEOUT_S, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    async def _unproved(self, repertoire: Repertoire) -> str:
        """Return in words what keeps services from being proved; nothing if all are."""
        async with Pool(self.url) as pool:
            services = repertoire.cases
            found = await asyncio.gather(*(_problem(pool, repertoire, one) for one in services))
        return "; ".join(filter(None, found))

    # Its small disks, as seen from outside

    def inside(self, path: Path) -> Path:
        """Return `path` of the system's own view as everybody can reach it."""
        return Path(f"/proc/{self.launcher.pid}/root{path}")

    # Start and stop

    def _start(self) -> None:
        command = [sys.executable, "-m", "embedded", "up"]
        if self._small_disks:
            command = self._in_namespace(self._small_disks, command)
        self._launcher = Child("launcher", command, self._environment, self.log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._says_ready():
            if time.monotonic() > deadline or not self.launcher.is_running():
                raise RuntimeError(f"not ready: {self._launcher.last_lines()}")
            time.sleep(_POLL_S)

    def _in_namespace(self, small_disks: SmallDisks, command: list[str]) -> list[str]:
        """Return `command` in a namespace with small places of its own. Raises NotMountable."""
        unshare = unshare_command()
        self.run.mkdir(parents=True, exist_ok=True)
        shutil.copytree(REPOSITORY, self.repository, copy_function=os.link)
        script = " && ".join(
            (
                f"mount -t tmpfs -o size={small_disks.shared_memory}m tmpfs {SHARED_MEMORY}",
                f"mount -t tmpfs -o size={small_disks.disk}m tmpfs '{self.run}'",
                f"mount --bind '{self.repository}' '{REPOSITORY}'",
                'exec "$@"',
            )
        )
        return [*unshare, "sh", "-c", script, "sh", *command]

    def _stop(self) -> None:
        if self._launcher is not None:
            self._launcher.stop(STOP_GRACE_S)
        if self._small_disks:
            shutil.rmtree(self.repository, ignore_errors=True)

    def _child(self, part: str) -> psutil.Process | None:
        for process in self.launcher.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if part in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                    return process
        return None


def unshare_command() -> list[str]:
    """Return the command that runs another in a mount namespace of its own. Raises NotMountable."""
    commands = (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"])
    for command in commands:
        child = [*command, "mount", "-t", "tmpfs", "tmpfs", str(SHARED_MEMORY)]
        with contextlib.suppress(OSError):
            if os.spawnvp(os.P_WAIT, child[0], child) == 0:
                return command
    raise NotMountable("this user may not make a mount namespace")


async def _problem(pool: Pool, repertoire: Repertoire, service: str) -> str:
    """Return what is wrong with RIGHT_IN_A_ROW answers of `service`; a refused one is asked again."""
    case = repertoire.cases[service][0]
    right = 0
    ends = time.monotonic() + _PROBE_TIMEOUT_S
    while right < RIGHT_IN_A_ROW:
        try:
            judgement = judge(case.expected, await pool.ask(case.request, _PROBE_TIMEOUT_S))
        except (Broken, TimeoutError) as error:
            return f"{service}: {error!r}"
        if judgement.verdict is Verdict.REFUSED and time.monotonic() < ends:
            await asyncio.sleep(_POLL_S)
        elif judgement.verdict is not Verdict.RIGHT:
            return f"{service}: {judgement.code} {judgement.detail}"
        right += judgement.verdict is Verdict.RIGHT
    return ""
