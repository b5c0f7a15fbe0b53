"""Findings of what is to run, or runs: the environment's parts, nets, ports, shared memory, the services."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from embedded import background
from embedded.assemble import find_libpython, find_triton
from embedded.checks import MIB, check_ports, check_shared_memory
from embedded.doctor.finding import NOTE, OK, PROBLEM, Finding, looked_at
from embedded.errors import NotExported, PortTaken, SeededNets, StartError, WrongSetting
from embedded.paths import SHARED_MEMORY
from embedded.repository import (
    check_exported,
    check_seeded,
    read_contents,
    served_nets,
    stub_counts,
)
from embedded.settings import gateway_grace_s, gateway_url, listen_addresses, read_settings, run_folder
from gateway.settings import Settings

Health = dict[str, Any]
"""What the gateway answers at `/health/ready`."""


class Running:
    """What runs at the addresses of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.serving = background.found(run_folder(settings))
        """The launcher, if it was started from this checkout."""
        self.health = _health(settings)
        """None where no gateway of ours answers."""

    def __bool__(self) -> bool:
        return self.serving is not None or self.health is not None


def findings(repository: Path, exported: Finding, settings: Settings, running: Running) -> Iterator[Finding]:
    """Yield the findings of what serves `repository`; whether it is `exported` has been looked at."""
    yield looked_at("libpython", libpython)
    yield looked_at("Triton", triton)
    yield exported
    yield looked_at("weights", lambda: weights(repository))
    for name, address in listen_addresses(settings).items():
        yield looked_at(f"port {address[1]}", partial(port, name, address, ours=bool(running)))
    yield looked_at("shared memory", lambda: shared_memory(SHARED_MEMORY, repository, serving=bool(running)))
    yield looked_at("services", lambda: services(settings, running))


def settings_or_fault() -> tuple[Settings, Finding]:
    """Return the settings of the environment, or the defaults where these cannot be, and which it is."""
    try:
        return read_settings(), Finding("settings", OK, "all values of MODELHUB_* can be")
    except WrongSetting as error:
        return Settings.model_construct(), Finding("settings", PROBLEM, str(error), "unset or correct them")


def libpython() -> Finding:
    """Judge whether the shared library is there that Triton's stubs link."""
    return _told("libpython", lambda: f"found in {find_libpython()}")


def triton() -> Finding:
    """Judge whether Triton's wheel is there, with a stub for this Python."""
    return _told("Triton", lambda: f"its wheel is installed ({find_triton().binary.parent.parent.name})")


def nets(repository: Path, names: Sequence[str] = (), *, partial: bool) -> Finding:
    """Judge whether the nets are exported that serving takes: `embedded.repository.check_exported`."""
    contents = read_contents(repository)
    told = f"exported for {len(contents.complete)} of {len(contents.services)} services in {repository.name}"
    try:
        check_exported(contents, names, partial=partial)
    except WrongSetting as error:
        return Finding("nets", PROBLEM, str(error), "correct MODELHUB_SERVICES")
    except NotExported as error:
        return Finding("nets", PROBLEM, _before(error), "run `make export`, or `make up`, which does it too")
    return Finding("nets", OK, told)


def weights(repository: Path) -> Finding:
    """Judge whether exported nets have weights that mean something."""
    try:
        check_seeded(served_nets(repository, read_contents(repository).services))
    except SeededNets as error:
        return Finding(
            "weights", PROBLEM, _before(error), "export them without --seeded, or start with --allow-seeded"
        )
    return Finding("weights", OK, "no net that is there has random ones")


def port(setting: str, address: tuple[str, int], *, ours: bool) -> Finding:
    """Judge whether an address can be listened on, or is by what is `ours`."""
    what = f"port {address[1]}"
    try:
        check_ports({setting: address})
    except PortTaken as error:
        if ours:
            return Finding(what, OK, f"{setting}: used by what serves")
        message, _, remedy = str(error).partition(": ")
        return Finding(what, PROBLEM, message + holder(address[1]), remedy)
    return Finding(what, OK, f"{setting}: free")


def holder(number: int) -> str:
    """Return in words which process listens on a TCP port; empty where that cannot be seen."""
    with suppress(psutil.Error, OSError):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == number and one.pid:
                return f", by process {one.pid} ({psutil.Process(one.pid).name()})"
    return ""


def shared_memory(folder: Path, repository: Path, *, serving: bool) -> Finding:
    """Judge the room for the regions of the stubs; what serves has its own already."""
    usage = psutil.disk_usage(str(folder))
    told = f"{usage.free // MIB} of {usage.total // MIB} MiB free at {folder}"
    stubs = 0 if serving else sum(stub_counts(repository).values())
    return _told("shared memory", lambda: _enough(folder, stubs, told))


def _enough(folder: Path, stubs: int, told: str) -> str:
    check_shared_memory(folder, stubs)
    return told


def services(settings: Settings, running: Running) -> Finding:
    """Judge whether what runs answers; that nothing runs is no fault."""
    if running.health is None:
        if running.serving is None:
            return Finding("services", NOTE, "not running", "run `make up`")
        return Finding(
            "services",
            PROBLEM,
            f"process {running.serving.pid} runs, and its gateway does not answer at {running.serving.url}",
            f"look into the logs in {run_folder(settings)}, or run `make down` and `make up`",
        )
    states = running.health["services"]
    ill = [f"{name}: {state['reason']}" for name, state in states.items() if not state["ready"]]
    if running.health["success"] and not ill:
        return Finding("services", OK, f"all {len(states)} are ready")
    state = OK if running.health["success"] else PROBLEM
    return Finding(
        "services",
        state,
        "; ".join(ill),
        f"look into the logs in {run_folder(settings)}" if state != OK else "",
    )


def _health(settings: Settings) -> Health | None:
    with suppress(httpx.HTTPError, ValueError):
        # Without a proof of late it tries every service, which takes as long as a request may.
        url, timeout_s = gateway_url(settings, "/health/ready"), gateway_grace_s(settings)
        health = httpx.get(url, timeout=timeout_s, trust_env=False).json()
        if isinstance(health, dict) and "success" in health and isinstance(health.get("services"), dict):
            return health
    return None


def _told(what: str, look: Callable[[], str]) -> Finding:
    """Return what `look` says is well, or the problem that it raises."""
    try:
        return Finding(what, OK, look())
    except StartError as error:
        message, colon, remedy = str(error).partition(": ")
        return Finding(what, PROBLEM, message, remedy if colon else "")


def _before(error: StartError) -> str:
    """Return what a message says before it says what to do."""
    return str(error).rpartition("; ")[0]
