"""How alike our classes are to the teacher's on held-out photos: `make accuracy`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.voc_teacher import Labels, answers_and_labels, photos_to_compare
from evaluation.figure import Figure, at_least, not_measured
from modelhub import ModelHub
from modelhub.voc import VOC_CLASSES

MIN_ACCURACY, MIN_MEAN_OVERLAP = 0.88, 0.50


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
    name = "semantic: pixels with the teacher's class"
    if not (photos := photos_to_compare()):
        yield not_measured(name, f"at least {MIN_ACCURACY}")
        return
    pairs = answers_and_labels(photos, lambda photo: our_labels(hub, photo), "semantic")
    agreement = Agreement(np.sum([Agreement.of(theirs, ours).pixels for ours, theirs in pairs], axis=0))
    accuracy = agreement.accuracy
    yield at_least(name, accuracy, MIN_ACCURACY, f"{accuracy:.4f} in {len(photos)} photos")
    overlaps = agreement.overlaps()
    mean = float(np.mean(list(overlaps.values())))
    name = "semantic: mean overlap of the classes that occur"
    yield at_least(name, mean, MIN_MEAN_OVERLAP, f"{mean:.4f} of {len(overlaps)}")
    shares = ", ".join(f"{one} {share:.2f}" for one, share in overlaps.items())
    yield Figure("semantic: overlap of each of them", shares, "", None)


def our_labels(hub: ModelHub, photo: Path) -> Labels:
    """Return what the service answers."""
    return np.array(hub.answer("semantic_segmentation", photo.read_bytes())["preds"], dtype=np.intp)
