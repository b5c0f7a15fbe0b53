"""Serve until Ctrl-C (`python -m embedded up`) or while a command runs (`python -m embedded run -- COMMAND`).

`up --detach` returns when everything is ready; `down` stops what `up` started, wherever it runs.
Triton and the gateway are started again when they end or hang (docs/operating.md). The command finds the
gateway in the environment variable MODELHUB_URL. Exit status: the command's; 1 where the system could not
start; 130 after Ctrl-C or TERM.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from embedded import background
from embedded.errors import StartError
from embedded.paths import ROOT
from embedded.repository import Scope, Selection
from embedded.settings import gateway_grace_s, read_settings, run_folder, service_names
from embedded.system import TRITON_GRACE_S, System
from vision.manifest import Profile

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
console = Console(stderr=True, highlight=False)

INTERRUPTED = 130
SERVING = "serving on [bold]{url}[/]  (POST /api/predict/<service>; API: /openapi.json)"
STOP_MARGIN_S = 10.0
"""What a launcher has, beyond the times of its parts, to clear away."""

WhichProfile = Annotated[
    Profile,
    typer.Option(
        envvar="MODELHUB_PROFILE", help="Which nets. Of `full`, the services are served that are exported."
    ),
]
WhichServices = Annotated[
    str,
    typer.Option(
        "--services", envvar="MODELHUB_SERVICES", help="Serve these alone: names, separated by commas."
    ),
]
AllowSeeded = Annotated[
    bool,
    typer.Option(
        "--allow-seeded",
        envvar="MODELHUB_ALLOW_SEEDED",
        help="Serve nets of random weights too, whose answers mean nothing.",
    ),
]


@app.command()
def up(
    profile: WhichProfile = Profile.LITE,
    services: WhichServices = "",
    allow_seeded: AllowSeeded = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when everything is ready, and go on in the background.")
    ] = False,
) -> None:
    """Serve until Ctrl-C, or until `down` where it is detached."""
    if detach:
        _detach(profile, services, allow_seeded)
        return
    with _running(_scope(profile, services, allow_seeded)) as system:
        console.print(nets_table(system.served))
        console.print(SERVING.format(url=system.gateway_url()))
        console.print(f"Triton: {system.triton_url()} (HTTP), port {system.settings.triton_grpc_port} (gRPC)")
        with background.announced(system.run, system.gateway_url()):
            console.print(f"logs: {system.run}; stop with Ctrl-C")
            system.supervise(_print_warning)


@app.command()
def down() -> None:
    """Stop what serves on the port of the settings."""
    with _failing_in_a_line():
        settings = read_settings()
        serving = background.found(run_folder(settings))
        if serving is None:
            console.print(f"nothing that was started from here serves on port {settings.port}")
            return
        with console.status("stopping: what is in flight is finished"):
            background.stop(serving, gateway_grace_s(settings) + TRITON_GRACE_S + STOP_MARGIN_S)
        console.print(f"stopped: {serving.url}")


def _detach(profile: Profile, services: str, allow_seeded: bool) -> None:
    """Serve in the background, if nothing does yet."""
    arguments = ["up", "--profile", profile.value, "--services", services]
    arguments += ["--allow-seeded"] if allow_seeded else []
    with _failing_in_a_line():
        run = run_folder(read_settings())
        serving = background.found(run)
        if serving is None:
            with console.status("starting") as status:
                serving = background.start(arguments, run, status.update)
    console.print(SERVING.format(url=serving.url))
    console.print(f"logs: {run}; stop with `make down`")


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    command: list[str],
    profile: WhichProfile = Profile.LITE,
    services: WhichServices = "",
    allow_seeded: AllowSeeded = False,
) -> None:
    """Serve while COMMAND runs; its exit status is ours."""
    with _running(_scope(profile, services, allow_seeded)) as system:
        if any(net.seeded for net in system.served.nets):
            console.print(nets_table(system.served))
        environment = {**os.environ, "MODELHUB_URL": system.gateway_url(), "PYTHONPATH": str(ROOT)}
        status = _run(command, environment, system)
    raise typer.Exit(status)


def _scope(profile: Profile, services: str, allow_seeded: bool) -> Scope:
    partial = profile is Profile.FULL
    return Scope(ROOT / profile.repository, service_names(services), partial, allow_seeded)


@contextmanager
def _running(scope: Scope) -> Iterator[System]:
    """Start the system and stop it whatever happens; turns failures into one line and an exit status."""
    with _failing_in_a_line(), System(read_settings(), scope) as system:
        with console.status("starting") as status:
            system.start(report=status.update)
        try:
            yield system
        finally:
            console.print(
                f"stopping: requests in flight have {system.gateway_grace_s:g} s to finish, "
                f"then Triton has {TRITON_GRACE_S:g} s"
            )


@contextmanager
def _failing_in_a_line() -> Iterator[None]:
    """Turn failures of the block, Ctrl-C and TERM into one line and an exit status."""
    # INT too, since a shell's background jobs inherit it ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except StartError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def nets_table(served: Selection) -> Table:
    """Return what is served and what is not."""
    table = Table("service", "net", "profile", "source", "weights")
    for net in served.nets:
        weights = "[bold red]seeded[/]" if net.seeded else ""
        table.add_row(net.service, net.net, net.profile, net.source, weights)
    for service, reason in served.left_out.items():
        table.add_row(service, f"[dim]left out: {reason}[/]")
    return table


def _run(command: Sequence[str], environment: dict[str, str], system: System) -> int:
    """Return the exit status of `command`, beside which the system is kept running."""
    process = subprocess.Popen(command, env=environment)
    try:
        system.supervise(_print_warning, until=lambda: process.poll() is not None)
    finally:
        process.terminate()
        process.wait()
    return process.returncode


def _print_warning(sentence: str) -> None:
    console.print(sentence, style="yellow", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(app())
