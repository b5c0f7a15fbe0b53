"""Serve until Ctrl-C (`python -m embedded up`) or while a command runs (`python -m embedded run -- COMMAND`).

The command finds the gateway in the environment variable MODELHUB_URL. Exit status: the command's; 1 where
the system could not start or a part of it died; 130 after Ctrl-C or TERM.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from embedded.errors import StartError, WrongSetting
from embedded.paths import ROOT
from embedded.system import System
from gateway.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
console = Console(stderr=True, highlight=False)

INTERRUPTED = 130


@app.command()
def up() -> None:
    """Serve until Ctrl-C."""
    with _running() as system:
        console.print(
            f"serving on [bold]{system.gateway_url()}[/]  (POST /api/predict/<service>; API: /openapi.json)"
        )
        console.print(f"Triton: {system.triton_url()} (HTTP), port {system.settings.triton_grpc_port} (gRPC)")
        console.print(f"logs: {system.run}; stop with Ctrl-C")
        system.watch()


@app.command(context_settings={"ignore_unknown_options": True})
def run(command: list[str]) -> None:
    """Serve while COMMAND runs; its exit status is ours."""
    with _running() as system:
        environment = {**os.environ, "MODELHUB_URL": system.gateway_url(), "PYTHONPATH": str(ROOT)}
        status = _run(command, environment)
    raise typer.Exit(status)


@contextmanager
def _running() -> Iterator[System]:
    """Start the system and stop it whatever happens; turns failures into one line and an exit status."""
    # INT too, since a shell's background jobs inherit it ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        with System(_settings()) as system:
            with console.status("starting") as status:
                system.start(report=status.update)
            try:
                yield system
            finally:
                console.print("stopping")
    except StartError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        prefix = Settings.model_config["env_prefix"]
        faults = [f"{prefix}{fault['loc'][0]}".upper() + f": {fault['msg']}" for fault in error.errors()]
        raise WrongSetting("; ".join(faults)) from None


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=environment)
    try:
        return process.wait()
    finally:
        process.terminate()
        process.wait()


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(app())
