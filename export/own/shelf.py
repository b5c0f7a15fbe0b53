"""A user's own detector and classifier in place of the nets of `shelf_counting`."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.progress import Progress

from export.hashing import file_sha256
from export.job import Job
from export.locking import exclusive
from export.making import Makers
from export.own.labels import read_labels
from export.own.plans import read_classifier, read_detector
from export.paths import Framework, Paths
from vision.manifest import OWN_PROFILE, Source

DETECTION_NET = "shelf_counting_detection_net"
CLASSIFICATION_NET = "shelf_counting_classification_net"

_CONVERTERS = "export.convert.own_shelf"
_LICENCE = "the user's own"


@dataclass(frozen=True)
class OwnShelf:
    """What the user gives: two checkpoints, the names of the products, and how the nets are used."""

    detector: Path
    classifier: Path
    labels: Path
    size: int
    """Side of the detector's input, pixels."""
    crop_size: int
    """Side of the classifier's input, pixels."""
    min_score: float
    max_overlap: float


def export_own_shelf(own: OwnShelf, paths: Paths, progress: Progress) -> str:
    """Put both nets in place, or none, and return in a line what they are; raises ExportError, OSError.

    The files are looked at first, so that a wrong one is told before the environment is built.
    """
    found = _described(own)
    jobs = [(job, paths.version(job.net)) for job in _jobs(own)]
    with exclusive(paths, progress), Makers([Framework.TORCH], paths, progress) as makers:
        makers.submit(Framework.TORCH, partial(makers.make, jobs))
        makers.wait()
    return found


def _described(own: OwnShelf) -> str:
    detector, _, _ = read_detector(own.detector)
    classifier, _ = read_classifier(own.classifier)
    read_labels(own.labels, classifier.classes)
    return (
        f"YOLOv5 of width {detector.width:g}, depth {detector.depth:.2f} and {detector.classes} classes; "
        f"{classifier.name} of {classifier.classes} products"
    )


def _jobs(own: OwnShelf) -> tuple[Job, Job]:
    return (
        _job(
            DETECTION_NET,
            "detection",
            {"checkpoint": own.detector},
            {"size": own.size, "min_score": own.min_score, "max_overlap": own.max_overlap},
        ),
        _job(
            CLASSIFICATION_NET,
            "classification",
            {"checkpoint": own.classifier, "labels": own.labels},
            {"size": own.crop_size},
        ),
    )


def _job(net: str, converter: str, files: dict[str, Path], options: dict[str, int | float]) -> Job:
    return Job(
        net=net,
        profile=OWN_PROFILE,
        converter=f"{_CONVERTERS}:{converter}",
        recipe=OWN_PROFILE,
        sources=tuple(
            Source(OWN_PROFILE, "", path.name, file_sha256(path), _LICENCE) for path in files.values()
        ),
        files={name: path.resolve() for name, path in files.items()},
        options=options,
    )
