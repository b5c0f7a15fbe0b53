"""The exporter's command line."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from export.catalogue import EXTRAS, NETS, Extra, File, Net, Own, Profile
from export.errors import ExportError
from export.exporter import State, export, extra_state, net_state
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress

SAMPLES = "samples"
SERVICES = tuple(dict.fromkeys(net.service for net in NETS))

_INTERRUPTED = 130
_COLOURS = {State.READY: "green", State.ABSENT: "dim", State.OUTDATED: "yellow", State.DAMAGED: "red"}

app = typer.Typer(add_completion=False)


@app.command()
def main(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE|samples]...", help="What to export; all services if none is named."),
    ] = None,
    profile: Annotated[Profile, typer.Option(help="Which checkpoints.")] = Profile.LITE,
    show: Annotated[bool, typer.Option("--list", help="Show what there is, and export nothing.")] = False,
) -> None:
    """Fetch published checkpoints, convert them, and put them into the model repository.

    What is in place and up to date is left alone. Exit status: 0 done, 2 wrong usage, 3 no network,
    4 a download was cut, 5 a file is not the one expected, 6 not in the package index, 1 anything else.
    """
    nets, extras = _chosen(tuple(targets or SERVICES), profile)
    paths = Paths(root=PROJECT, cache=user_cache())
    if show:
        _show(nets, extras, paths)
    else:
        _export(nets, extras, paths)


def _chosen(targets: tuple[str, ...], profile: Profile) -> tuple[list[Net], list[Extra]]:
    unknown = [target for target in targets if target not in (*SERVICES, SAMPLES)]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: not one of {', '.join((*SERVICES, SAMPLES))}")
    nets = [net for net in NETS if net.service in targets and net.profile is profile]
    return nets, list(EXTRAS) if SAMPLES in targets else []


def _export(nets: list[Net], extras: list[Extra], paths: Paths) -> None:
    console = Console(stderr=True)
    try:
        with console_progress(console) as progress:
            done = export(nets, extras, paths, progress)
    except ExportError as error:
        for line in error.detail:
            console.print(line, style="dim", markup=False, highlight=False)
        console.print(f"export: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_status) from None
    except OSError as error:
        console.print(f"export: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("export: interrupted; nothing half-made was left in place")
        raise typer.Exit(_INTERRUPTED) from None
    total = len(nets) + len(extras)
    console.print(f"{total} ready, {done} of them made now." if done else f"{total} ready, nothing to do.")


def _show(nets: list[Net], extras: list[Extra], paths: Paths) -> None:
    rows: list[tuple[str, tuple[File, ...], tuple[Own, ...], State]] = [
        (net.name, net.files, net.own, net_state(net, paths)) for net in nets
    ]
    rows += [
        (f"{extra.folder}/{extra.file.name}", (extra.file,), (), extra_state(extra, paths))
        for extra in extras
    ]
    table = Table(
        Column("net", no_wrap=True),
        Column("source", overflow="fold"),
        Column("MB", justify="right"),
        "licence",
        "state",
    )
    console = Console()
    for name, files, owns, state in rows:
        sources: tuple[File | Own, ...] = (*files, *owns)
        packages = dict.fromkeys(str(file.package) for file in files)
        places = ", ".join((*packages, *(own.where for own in owns)))
        licences = ", ".join(dict.fromkeys(source.licence for source in sources))
        size = sum(source.size for source in sources) / 1e6
        table.add_row(name, places, f"{size:.1f}", licences, f"[{_COLOURS[state]}]{state}[/]")
    console.print(table)
    for remark in dict.fromkeys(
        f"{file.name}: {file.remark}" for _, files, _, _ in rows for file in files if file.remark
    ):
        console.print(f"{remark}.", style="dim", highlight=False)
