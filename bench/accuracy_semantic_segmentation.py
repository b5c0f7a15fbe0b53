"""How alike our classes are to the teacher's on held-out photos: `make accuracy`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from bench.figure import Figure
from bench.photos import all_photos, held_out
from bench.voc_teacher import Labels, is_there, teacher_labels
from client.http import ModelHub
from vision.voc import VOC_CLASSES

MIN_ACCURACY, MIN_MEAN_OVERLAP = 0.88, 0.50
CLIENTS = 2


@dataclass(frozen=True)
class Agreement:
    """Pixels of any number of pictures by the teacher's class (row) and ours (column), [classes, classes]."""

    pixels: NDArray[np.int64]

    @classmethod
    def of(cls, teacher: Labels, ours: Labels) -> "Agreement":
        """Compare one picture; raises ValueError where the sizes differ."""
        if teacher.shape != ours.shape:
            raise ValueError(f"{ours.shape} pixels for a picture of {teacher.shape}")
        classes = len(VOC_CLASSES)
        pairs = np.bincount((teacher * classes + ours).ravel(), minlength=classes**2)
        return cls(pairs.reshape(classes, classes))

    @property
    def accuracy(self) -> float:
        """Return the share of pixels whose class is the teacher's."""
        return float(np.trace(self.pixels) / self.pixels.sum())

    def overlaps(self) -> dict[str, float]:
        """Return intersection over union of each class that the teacher sees anywhere."""
        common, theirs = self.pixels.diagonal(), self.pixels.sum(axis=1)
        either = theirs + self.pixels.sum(axis=0) - common
        return {VOC_CLASSES[one]: float(common[one] / either[one]) for one in np.flatnonzero(theirs)}


def classes_of_pixels(hub: ModelHub) -> Iterator[Figure]:
    """Yield the share of pixels with the teacher's class, and the mean overlap of its classes with ours."""
    photos = held_out(all_photos())
    name, bar = "semantic: pixels with the teacher's class", f"at least {MIN_ACCURACY}"
    if not photos or not is_there():
        yield Figure(name, "not measured: the photos are not part of the project", bar, None)
        return
    with ThreadPoolExecutor(CLIENTS) as pool:
        ours = pool.map(lambda photo: our_labels(hub, photo), photos)
        pairs = zip(teacher_labels(photos), ours, strict=True)
        each = [Agreement.of(*pair) for pair in track(pairs, "semantic", len(photos), transient=True)]
    agreement = Agreement(np.sum([one.pixels for one in each], axis=0))
    overlaps = agreement.overlaps()
    mean = float(np.mean(list(overlaps.values())))
    value = f"{agreement.accuracy:.4f} in {len(photos)} photos"
    yield Figure(name, value, bar, agreement.accuracy >= MIN_ACCURACY)
    yield Figure(
        "semantic: mean overlap of the classes that occur",
        f"{mean:.4f} of {len(overlaps)}",
        f"at least {MIN_MEAN_OVERLAP}",
        mean >= MIN_MEAN_OVERLAP,
    )
    told = ", ".join(f"{one} {share:.2f}" for one, share in overlaps.items())
    yield Figure("semantic: overlap of each of them", told, "", None)


def our_labels(hub: ModelHub, photo: Path) -> Labels:
    """Return what the service answers."""
    return np.array(hub.predict("semantic_segmentation", photo.read_bytes())["preds"], dtype=np.intp)
