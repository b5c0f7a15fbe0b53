"""Pictures whose pixels people labelled with Pascal VOC's classes, and which of them are held out.

They are not part of the project: `../shared/data/real/voc` (VOC 2012 and SBD) and `coco` (VOC's classes
of COCO).
"""

import json
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.photos import FOLDER as PHOTOS

FOLDER = PHOTOS.with_name("real")
MASKS = {"voc": "masks", "coco": "masks_voc21"}
"""Each set's folder of masks: palette pictures of class ids, `IGNORED` where no label counts."""
IGNORED = 255
"""The label of pixels that do not count."""


class Labelled(NamedTuple):
    """A picture of a set, its classes labelled pixel by pixel."""

    set: str
    picture: Path

    @property
    def is_held_out(self) -> bool:
        """Tell whether nothing may be trained on it: three sixteenths are, by a rule of its name alone."""
        return md5(f"{self.set}/{self.picture.name}".encode()).hexdigest()[0] in "012"

    @property
    def is_official(self) -> bool:
        """Tell whether it is on Pascal VOC's training list: its mask is finer than SBD's."""
        return self.set == "voc" and self.picture.stem in _official()

    def labels(self) -> Image.Image:
        """Return the class ids, as large as the picture."""
        return Image.open(self.picture.parents[1] / MASKS[self.set] / f"{self.picture.stem}.png")

    def classes(self) -> NDArray[np.intp]:
        """Return the ids of the classes, the background's not, that cover over a hundredth of the picture."""
        counts = np.bincount(np.asarray(self.labels()).ravel(), minlength=IGNORED + 1)
        return np.flatnonzero(counts[1:IGNORED] > counts.sum() / 100) + 1


def labelled(name: str, *, held_out: bool) -> list[Labelled]:
    """Return the pictures of the set `name` that are held out, or the others; none where it is absent."""
    pictures = sorted((FOLDER / name / "images").glob("*.jpg"))
    return [one for path in pictures if (one := Labelled(name, path)).is_held_out == held_out]


@cache
def _official() -> frozenset[str]:
    split = json.loads((FOLDER / "voc" / "split.json").read_text(encoding="utf-8"))
    return frozenset(name for name, of in split.items() if of["labels"] == "voc_train")
