"""The command line for checkpoints of the user's own: `python -m export own SERVICE`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from export.cli import reported
from export.own.defaults import CROP_SIZE, MAX_OVERLAP, MIN_SCORE, SIZE
from export.own.shelf import OwnShelf, export_own_shelf
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress
from vision.manifest import Profile

_STRIDE = 32

app = typer.Typer(add_completion=False)


@app.callback()
def own() -> None:
    """Put nets of your own in place of a service's; they stay until `python -m export --force SERVICE`."""


@app.command("shelf_counting")
def shelf_counting(  # noqa: PLR0913, PLR0917 - a command has as many options as it has
    detector: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Checkpoint of a YOLOv5, release 6.0 or later.")
    ],
    classifier: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Checkpoint of a ResNet-18, -34 or -50.")
    ],
    labels: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="The classifier's classes: UTF-8, a name a line."),
    ],
    size: Annotated[int, typer.Option(min=64, max=4096, help="Side of the detector's input.")] = SIZE,
    crop_size: Annotated[
        int, typer.Option(min=32, max=1024, help="Side of the classifier's input.")
    ] = CROP_SIZE,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Surer detections are answered.")
    ] = MIN_SCORE,
    max_overlap: Annotated[
        float, typer.Option(min=0, max=1, help="NMS: IoU of two products at most.")
    ] = MAX_OVERLAP,
    profile: Annotated[
        Profile, typer.Option(envvar="MODELHUB_PROFILE", help="Beside which other nets.")
    ] = Profile.LITE,
) -> None:
    """Count your own products: a detector that finds them, a classifier that names them, and the names.

    Nothing that is stored in the checkpoints is run. Exit status as of the export.
    """
    if size % _STRIDE:
        raise typer.BadParameter(f"{size} is no multiple of {_STRIDE}", param_hint="--size")
    console = Console(stderr=True)
    choice = OwnShelf(detector, classifier, labels, size, crop_size, min_score, max_overlap)
    with reported(console), console_progress(console) as progress:
        paths = Paths(root=PROJECT, cache=user_cache(), profile=profile)
        found = export_own_shelf(choice, paths, progress)
    console.print(f"In place: {found}. Start the server anew to use them.", highlight=False, soft_wrap=True)
