"""Pictures whose people were cut out by people, and pictures without any; they are not part of the project.

`../shared/data/real/people` has three kinds; more are among the labelled pictures of `evaluation.labelled`.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.labelled import FOLDER, IGNORED, Labelled, labelled
from modelhub_pictures.voc import VOC_CLASSES

KINDS = {"coco": "COCO's people", "humanseg": "figures and portraits", "idphoto": "ID photos"}
"""What the names of the set's pictures begin with."""
NAME = "people"
PERSON = VOC_CLASSES.index("person")

Truth = NDArray[np.uint8]
"""[height, width] of a picture: 1 on people, 0 elsewhere, `IGNORED` where nobody knows."""


def cut_out(kind: str, *, held_out: bool) -> list[Labelled]:
    """Return the pictures of one of `KINDS` that are held out, or the others; none where they are absent."""
    pictures = sorted((FOLDER / NAME / "images").glob(f"{kind}_*.jpg"))
    return [one for path in pictures if (one := Labelled(NAME, path)).is_held_out == held_out]


def among_classes(name: str, *, held_out: bool) -> tuple[list[Labelled], list[Labelled]]:
    """Return the pictures of a set of `evaluation.labelled` with people, and those without."""
    pictures = labelled(name, held_out=held_out)
    shares = [float((truth(one) == 1).mean()) for one in pictures]
    with_people = [one for one, share in zip(pictures, shares, strict=True) if share > 0]
    return with_people, [one for one, share in zip(pictures, shares, strict=True) if share == 0]


def truth(one: Labelled) -> Truth:
    """Return where the people of a picture are."""
    if one.set == NAME:
        masks = one.picture.parents[1] / "masks" / f"{one.picture.stem}.png"
        return np.asarray(Image.open(masks).convert("1")).astype(np.uint8)
    classes = np.asarray(one.labels())
    return np.where(classes == IGNORED, IGNORED, classes == PERSON).astype(np.uint8)


def overlap(truth: Truth | NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    """Return intersection over union where the truth is known; 1 where both are empty."""
    known = truth != IGNORED
    ours, theirs = mask & known, truth == 1
    union = np.count_nonzero(ours | theirs)
    return np.count_nonzero(ours & theirs) / union if union else 1.0
