"""TensorRT plans of exported nets.

python -m export.tensorrt build --profile full   # in NVIDIA's TensorRT container, on the GPU that will serve
python -m export.tensorrt check --profile full   # before Triton starts with --model-config-name=tensorrt
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from export.errors import ExportError
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress
from export.tensorrt import adapter
from export.tensorrt.building import Planner
from export.tensorrt.check import check_config_name
from export.tensorrt.configs import CONFIG_NAME, ON_ONNXRUNTIME, net_folders, write_configs
from export.tensorrt.errors import RefusedGraph
from export.tensorrt.pipeline import service_of, services
from export.tensorrt.plan import Precision
from vision.manifest import Profile

_INTERRUPTED = 130

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

Targets = Annotated[
    list[str] | None, typer.Argument(metavar="[NET|SERVICE]...", help="All if none is named.")
]
Chosen = Annotated[
    Profile, typer.Option("--profile", envvar="MODELHUB_PROFILE", help="Which model repository.")
]
Computing = Annotated[Precision, typer.Option("--precision", help="What plans compute in.")]


@app.command("build")
def build_command(
    targets: Targets = None, profile: Chosen = Profile.LITE, precision: Computing = Precision.FP16
) -> None:
    """Build, try and place the plans of nets, where they are not ready.

    Exit status, of the first net that failed (the others are built all the same): 3 no TensorRT or no GPU,
    4 a net or the sample pictures are absent, 5 TensorRT refuses a graph, 6 a plan differs from its graph,
    1 anything else.
    """
    paths = _paths(profile)
    nets = _chosen(paths, targets or [])
    console = Console(stderr=True)
    with _told(console), console_progress(console) as progress:
        builder = adapter.tensorrt()
        planner = Planner(paths, builder, precision, progress)
        _each(nets, console, lambda net: planner.build(net).value)


@app.command()
def table(
    targets: Targets = None, profile: Chosen = Profile.LITE, precision: Computing = Precision.FP16
) -> None:
    """Compile nets ahead of time with TensorRT for RTX and print which compile, how long it takes, and sizes.

    It needs no GPU and puts nothing in place.
    """
    paths = _paths(profile)
    nets = _chosen(paths, targets or [])
    console = Console(stderr=True)
    with _told(console), Progress(console=console, disable=True) as progress:
        builder = adapter.tensorrt_rtx()
        planner = Planner(paths, builder, precision, progress)
        rows = [_row(net, planner, ON_ONNXRUNTIME[profile].get(net)) for net in nets]
    shown = Table(
        Column("net", no_wrap=True), "profiles", Column("s", justify="right"), Column("MB", justify="right")
    )
    shown.title = (
        f"{profile.value}, {precision.value}, {builder.name} {builder.version} for {builder.capability}"
    )
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for reason, refused in _reasons(nets, profile).items():
        typer.echo(f"{', '.join(refused)}: {reason}; ONNX Runtime serves them on the GPU.")


@app.command()
def configs() -> None:
    """Write configs/tensorrt.pbtxt of every net, of all profiles, from its config.pbtxt."""
    for profile in Profile:
        changed = write_configs(_paths(profile).repository(profile), profile)
        typer.echo(f"{profile.value}: {len(changed)} changed {' '.join(changed)}".strip())


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="What --model-config-name is to be.")] = CONFIG_NAME,
    profile: Chosen = Profile.LITE,
) -> None:
    """Tell whether Triton would serve this config of every net; exit status 7 if not."""
    with _told(Console(stderr=True)):
        check_config_name(_paths(profile).repository(profile), name)


def _paths(profile: Profile) -> Paths:
    return Paths(root=PROJECT, cache=user_cache(), profile=profile)


def _chosen(paths: Paths, targets: Sequence[str]) -> list[str]:
    """Return the nets that the targets mean, in the repository's order."""
    repository = paths.repository(paths.profile)
    nets, known = [folder.name for folder in net_folders(repository)], services(repository)
    unknown = [target for target in targets if target not in (*nets, *known)]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: not one of {', '.join((*known, *nets))}")
    return [net for net in nets if not targets or net in targets or service_of(net, known) in targets]


def _each(nets: Sequence[str], console: Console, work: Callable[[str], str]) -> None:
    """Do it for every net, go on where one fails, and exit with the first failure's status at the end."""
    status = 0
    for net in nets:
        try:
            console.print(f"{net}: {work(net)}", highlight=False)
        except (ExportError, OSError) as error:
            status = status or _tell(console, error)
    if status:
        raise typer.Exit(status)


def _row(net: str, planner: Planner, known: str | None) -> tuple[str, str, str, str]:
    """Return a net's line; `known` is why TensorRT refuses it, where it is known to."""
    identity = planner.identify(net)
    profiles = "; ".join(
        " to ".join("x".join(map(str, sides)) for sides in (shapes.minimum, shapes.maximum))
        for one in identity.profiles
        for shapes in one.values()
    )
    started = time.monotonic()
    try:
        plan = planner.compile(identity)
    except RefusedGraph as error:
        return net, f"refused: {'see below' if known else (*error.detail, str(error))[0]}", "", ""
    return net, profiles, f"{time.monotonic() - started:.1f}", f"{len(plan) / 1e6:.1f}"


def _reasons(nets: Sequence[str], profile: Profile) -> dict[str, list[str]]:
    """Return why nets are not TensorRT's, and which."""
    reasons: dict[str, list[str]] = {}
    for net in nets:
        if net in ON_ONNXRUNTIME[profile]:
            reasons.setdefault(ON_ONNXRUNTIME[profile][net], []).append(net)
    return reasons


@contextmanager
def _told(console: Console) -> Iterator[None]:
    """Turn an error, or an interruption, into a last line on `console` and an exit status."""
    try:
        yield
    except (ExportError, OSError) as error:
        raise typer.Exit(_tell(console, error)) from None
    except KeyboardInterrupt:
        console.print("tensorrt: interrupted; the plans that were in place are still there")
        raise typer.Exit(_INTERRUPTED) from None


def _tell(console: Console, error: ExportError | OSError) -> int:
    """Print an error as a line, after what a tool said about it; return the exit status."""
    for line in error.detail if isinstance(error, ExportError) else ():
        console.print(line, style="dim", markup=False, highlight=False)
    console.print(f"tensorrt: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return error.exit_status if isinstance(error, ExportError) else 1


if __name__ == "__main__":
    app(prog_name="python -m export.tensorrt")
