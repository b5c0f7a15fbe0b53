"""How alike two classes of every pixel are, over any number of pictures."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.labelled import IGNORED
from modelhub_pictures.voc import VOC_CLASSES

CLASSES = len(VOC_CLASSES)


@dataclass(frozen=True)
class Agreement:
    """Pixels of any number of pictures by the true class (row) and ours (column), [classes, classes]."""

    pixels: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.integer[Any]], ours: NDArray[np.integer[Any]]) -> "Agreement":
        """Compare one picture; raises ValueError where the sizes differ."""
        if truth.shape != ours.shape:
            raise ValueError(f"{ours.shape} pixels for a picture of {truth.shape}")
        counted = truth != IGNORED
        pairs = truth[counted].astype(np.intp) * CLASSES + ours[counted]
        return cls(np.bincount(pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES))

    @classmethod
    def total(cls, some: Iterable["Agreement"]) -> "Agreement":
        """Return that of all their pictures together."""
        return cls(np.sum([one.pixels for one in some], axis=0))

    @property
    def accuracy(self) -> float:
        """Return the share of pixels whose class is the true one."""
        return float(np.trace(self.pixels) / self.pixels.sum())

    @property
    def mean_overlap(self) -> float:
        """Return the mean of `overlaps`."""
        return float(np.mean(list(self.overlaps().values())))

    def overlaps(self) -> dict[str, float]:
        """Return intersection over union of each class that is anywhere in truth."""
        common, theirs = self.pixels.diagonal(), self.pixels.sum(axis=1)
        either = theirs + self.pixels.sum(axis=0) - common
        return {VOC_CLASSES[one]: float(common[one] / either[one]) for one in np.flatnonzero(theirs)}
