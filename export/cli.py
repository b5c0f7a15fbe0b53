"""The exporter's command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from export.catalogue import EXTRAS, NETS
from export.errors import ExportError
from export.exporter import export
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress
from export.sources import Extra, File, Net, Own, Published, Supplied
from export.state import Condition, Origin, State, extra_condition, net_state
from vision.manifest import MANIFEST_FILE, ONNX_FILE, Profile, load_manifest

SAMPLES = "samples"
SERVICES = tuple(dict.fromkeys(net.service for net in NETS))

_INTERRUPTED = 130
_COLOURS: dict[str, str] = {
    Origin.OURS: "green",
    Origin.YOURS: "cyan",
    Origin.RANDOM: "magenta",
    Condition.ABSENT: "dim",
    Condition.OUTDATED: "yellow",
    Condition.DAMAGED: "red",
}

app = typer.Typer(add_completion=False)


@app.command()
def main(  # noqa: PLR0913, PLR0917 - a command has as many options as it has
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE|samples]...", help="What to export; all services if none is named."),
    ] = None,
    profile: Annotated[
        Profile, typer.Option(envvar="MODELHUB_PROFILE", help="Which checkpoints.")
    ] = Profile.LITE,
    weights_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="MODELHUB_WEIGHTS_DIR",
            help="Folder of checkpoints that were carried in by hand, under their publishers' names.",
        ),
    ] = None,
    seeded: Annotated[
        bool,
        typer.Option(
            "--seeded", help="Make `full` nets from random weights: for tests; their answers mean nothing."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Make the named nets anew, in place of your own ones too.")
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="Show what there is, and export nothing.")] = False,
) -> None:
    """Fetch published checkpoints, convert them, and put them into the model repository.

    What is in place and up to date is left alone, and so are nets of your own (`python -m export own --help`
    makes them) unless --force says otherwise. Exit status: 0 done, 2 wrong usage, 3 no network,
    4 a download was cut, 5 a file is not the one expected, 6 not in the package index or not published
    any more, 1 anything else.
    """
    if force and not targets:
        raise typer.BadParameter("name the services whose nets are to be made anew", param_hint="--force")
    nets, extras = _chosen(tuple(targets or SERVICES), profile)
    if seeded and not any(net.random_writers for net in nets):
        raise typer.BadParameter("none of these nets is made from a checkpoint", param_hint="--seeded")
    paths = Paths(root=PROJECT, cache=user_cache(), profile=profile, carried=weights_dir)
    if show:
        _show(nets, extras, paths)
    else:
        _export(nets, extras, paths, force=force, seeded=seeded)


@contextmanager
def reported(console: Console) -> Iterator[None]:
    """Turn an error, or an interruption, into a last line on `console` and an exit status."""
    try:
        yield
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


def _chosen(targets: tuple[str, ...], profile: Profile) -> tuple[list[Net], list[Extra]]:
    unknown = [target for target in targets if target not in (*SERVICES, SAMPLES)]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: not one of {', '.join((*SERVICES, SAMPLES))}")
    nets = [net for net in NETS if net.service in targets and net.profile is profile]
    return nets, list(EXTRAS) if SAMPLES in targets else []


def _export(nets: list[Net], extras: list[Extra], paths: Paths, *, force: bool, seeded: bool) -> None:
    console = Console(stderr=True)
    with reported(console), console_progress(console) as progress:
        outcome = export(nets, extras, paths, progress, force=force, random_weights=seeded)
    for service in dict.fromkeys(net.service for net in outcome.unsupplied):
        console.print(
            f"{service} needs checkpoints of your own: see `python -m export own {service} --help`",
            highlight=False,
            soft_wrap=True,
        )
    total = len(nets) - len(outcome.unsupplied) + len(extras)
    made = f"{outcome.made} of them made now." if outcome.made else "nothing to do."
    console.print(f"{total} ready, {made}")


def _show(nets: list[Net], extras: list[Extra], paths: Paths) -> None:
    table = Table(
        Column("net", no_wrap=True),
        Column("source", overflow="fold"),
        Column("MB", justify="right"),
        "licence",
        "state",
    )
    for net in nets:
        state = net_state(net, paths)
        usable_own = state == State(Condition.READY, Origin.YOURS)
        cells = _own_cells(net.name, paths) if usable_own else _cells(*net.sources)
        table.add_row(net.name, *cells, _coloured(state.label))
    for extra in extras:
        name = f"{extra.folder}/{extra.file.name}"
        table.add_row(name, *_cells(extra.file), _coloured(extra_condition(extra, paths)))
    console = Console()
    console.print(table)
    files: list[File | Published] = [extra.file for extra in extras]
    for net in nets:
        files += [*net.package_files, *net.published]
    for remark in dict.fromkeys(f"{file.name}: {file.remark}" for file in files if file.remark):
        console.print(f"{remark}.", style="dim", highlight=False)


def _cells(*sources: File | Own | Published | Supplied) -> tuple[str, str, str]:
    """Return where files come from, their megabytes and their licences."""
    places = dict.fromkeys(source.where for source in sources)
    licences = dict.fromkeys(source.licence for source in sources)
    sizes = [source.size for source in sources]
    known = [size for size in sizes if size is not None]
    megabytes = f"{sum(known) / 1e6:.1f}" if len(known) == len(sizes) else "?"
    return ", ".join(places), megabytes, ", ".join(licences)


def _own_cells(net: str, paths: Paths) -> tuple[str, str, str]:
    """Return the same of a net that was made from files of the user's own; the megabytes are the net's."""
    folder = paths.version(net)
    sources = load_manifest(folder / MANIFEST_FILE).sources
    size = (folder / ONNX_FILE).stat().st_size / 1e6
    return ", ".join(source.file for source in sources), f"{size:.1f}", "yours"


def _coloured(label: str) -> str:
    return f"[{_COLOURS[label]}]{label}[/]"
