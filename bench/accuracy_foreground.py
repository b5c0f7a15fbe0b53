"""How alike our foregrounds are to those of MediaPipe's own run of the same net: `make accuracy`."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from evaluation.figure import Figure, at_least, not_measured
from evaluation.photos import EXTRA_FOLDER, all_photos
from evaluation.pipelines import manifest
from evaluation.teacher import FILE as TEACHER
from export.paths import PROJECT
from modelhub import ModelHub
from vision.foreground_segmentation import ForegroundSettings

PHOTOS = 100
MIN_MEAN = 0.98

Mask = NDArray[np.bool_]
"""[height, width] of a picture."""


def foreground(hub: ModelHub) -> Iterator[Figure]:
    """Yield the mean and the least overlap of our masks and MediaPipe's on photos with people."""
    name = "foreground: overlap with MediaPipe's, mean"
    photos = [*all_photos(), *sorted(EXTRA_FOLDER.glob("scene_*"))]
    if not photos or not TEACHER.is_file():
        yield not_measured(name, f"at least {MIN_MEAN}")
        return
    with tempfile.TemporaryDirectory() as folder:
        people = with_people(photos, Path(folder))[:PHOTOS]
        reference = reference_masks(people, Path(folder))
    overlaps = [
        overlap(reference[str(photo)], our_mask(hub, photo))
        for photo in track(people, "foreground", transient=True)
    ]
    mean = float(np.mean(overlaps))
    yield at_least(name, mean, MIN_MEAN, f"{mean:.4f} of {len(overlaps)}")
    yield Figure("foreground: overlap with MediaPipe's, least", f"{min(overlaps):.4f}", "", None)


def overlap(one: Mask, other: Mask) -> float:
    """Return intersection over union; 1 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def our_mask(hub: ModelHub, photo: Path) -> Mask:
    """Return what the service answers."""
    answer = hub.answer("foreground_segmentation", photo.read_bytes())
    return np.array(answer["mask"], dtype=np.bool_)


def with_people(photos: Sequence[Path], folder: Path) -> list[Path]:
    """Return the photos on over 5% of which another net, trained on Pascal VOC, finds people."""
    listed, output = _list(photos, folder), folder / "people.json"
    with Console(stderr=True).status("finding photos with people"):
        _run(_python("export"), "people_reference.py", TEACHER, listed, output)
    return [Path(photo) for photo in json.loads(output.read_text(encoding="utf-8"))]


def reference_masks(photos: Sequence[Path], folder: Path) -> Mapping[str, Mask]:
    """Return MediaPipe's masks by path; it runs in an environment of its own."""
    threshold = manifest("foreground_segmentation_net").typed_settings(ForegroundSettings).threshold
    listed, output = _list(photos, folder), folder / "masks.npz"
    with Console(stderr=True).status("MediaPipe cuts out the same people"):
        _run(_python("mediapipe"), "foreground_reference.py", listed, str(threshold), output)
    with np.load(output) as masks:
        return dict(masks)


def _list(photos: Sequence[Path], folder: Path) -> Path:
    path = folder / "photos.json"
    path.write_text(json.dumps([str(photo) for photo in photos]), encoding="utf-8")
    return path


def _run(python: Path, script: str, *arguments: str | Path) -> None:
    """Run a script of this package in another environment; what it prints is shown only when it fails."""
    command = [python, PROJECT / "bench" / script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{script}: {done.stderr}")


def _python(environment: str) -> Path:
    return PROJECT / f".venv-{environment}" / "bin" / "python"
