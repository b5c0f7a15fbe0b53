"""What the segmentation nets were taught by, and what they are measured against: its classes of a photo."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from evaluation.photos import all_photos, held_out
from evaluation.teacher import FILE, SIDE
from export.environment import ensure_environment
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress, step

CLIENTS = 2

Ours = TypeVar("Ours")
Labels = NDArray[np.intp]
"""Pascal VOC's class ids, [height, width] of a picture."""


def photos_to_compare() -> list[Path]:
    """Return the held-out photos; none where these or the teacher, no parts of the project, are absent."""
    return held_out(all_photos()) if FILE.is_file() else []


def answers_and_labels(
    photos: Sequence[Path], ask: Callable[[Path], Ours], doing: str
) -> Iterator[tuple[Ours, Labels]]:
    """Yield what `ask` returns for every photo, asked for at the same time, and the teacher's classes."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        pairs = zip(pool.map(ask, photos), teacher_labels(photos), strict=True)
        yield from track(pairs, doing, len(photos), transient=True)


def teacher_labels(photos: Sequence[Path]) -> Iterator[Labels]:
    """Yield the teacher's classes of every photo, of its size; it runs in the conversion environment."""
    loaded = [Image.open(photo).convert("RGB") for photo in photos]
    squashed = [picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR) for picture in loaded]
    with tempfile.TemporaryDirectory() as folder:
        pictures, logits = Path(folder, "pictures.npy"), Path(folder, "logits.npy")
        np.save(pictures, np.stack([np.asarray(picture) for picture in squashed]))
        _run_teacher(pictures, logits)
        grids = np.load(logits).astype(np.float32)
    for grid, picture in zip(grids, loaded, strict=True):
        yield labels_of(grid, picture.height, picture.width)


def labels_of(logits: NDArray[np.float32], height: int, width: int) -> Labels:
    """Return each pixel's likeliest class by `logits` [h, w, classes], whose corners are the picture's."""
    rows, columns = (
        _weights(cells, side) for cells, side in zip(logits.shape[:2], (height, width), strict=True)
    )
    tall = np.tensordot(rows, logits, (1, 0))
    labels: Labels = np.tensordot(columns, tall, (1, 1)).argmax(axis=2).T
    return labels


def _weights(cells: int, side: int) -> NDArray[np.float32]:
    """Return [side, cells]: of each point of the grid at each pixel's centre, for linear interpolation."""
    places = (np.arange(side) + 0.5) / side * (cells - 1)
    return (1 - np.abs(places[:, None] - np.arange(cells))).clip(0).astype(np.float32)


def _run_teacher(pictures: Path, logits: Path) -> None:
    with console_progress(Console(stderr=True)) as progress:
        paths = Paths(root=PROJECT, cache=user_cache())
        python = ensure_environment(paths.environment, paths.requirements, progress)
        with step(progress, "the teacher labels the same photos"):
            command = (python, "-m", "evaluation.teacher", pictures, logits)
            subprocess.run(command, check=True, cwd=PROJECT, capture_output=True)
