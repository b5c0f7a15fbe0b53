"""What the mask net learns from: things whose outlines people drew, in their boxes.

    .venv-training/bin/python -m training.instance.regions

A region is stored with space around its box, so that training can move and scale its window as the
detector's boxes err.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from evaluation.labelled import labelled
from evaluation.things import Thing, coco_things, lone_things
from training.files import work_folder
from vision.regions import cut_regions, enlarged
from vision.tensors import Picture

SPACE = 0.4
"""On every side of a box, of its size: more than the served margin by what windows may move."""
SIDE = 160
MAP_SIDE = 80
SMALLEST = 16
"""Pixels of a box's shorter side: of smaller things, outlines are guesses."""
REGIONS = work_folder("instance") / "regions.npy"
"""uint8 [n, SIDE, SIDE, 3]."""
MASKS = work_folder("instance") / "masks.npy"
"""uint8 [n, MAP_SIDE, MAP_SIDE]: 255 on the thing, 0 around it."""


def outlined() -> Iterator[tuple[Picture, Thing]]:
    """Yield every thing to learn from, with its picture: none of them is held out."""
    for name, things in (("coco", coco_things), ("voc", lone_things)):
        for one in track(labelled(name, held_out=False), name):
            picture = np.asarray(Image.open(one.picture).convert("RGB"))
            for thing in things(one):
                top, left, bottom, right = thing.box
                if thing.mask is not None and min(bottom - top, right - left) >= SMALLEST:
                    yield picture, thing


def region(picture: Picture, thing: Thing) -> tuple[Picture, NDArray[np.uint8]]:
    """Return a thing's region, and its mask there; beyond the picture's edge both are 0."""
    assert thing.mask is not None
    wide = enlarged(np.array([thing.box], dtype=np.float32), SPACE)
    mask = np.repeat(thing.mask[:, :, None] * np.uint8(255), 3, axis=2)
    return cut_regions(picture, wide, SIDE, SIDE)[0], cut_regions(mask, wide, MAP_SIDE, MAP_SIDE)[0, :, :, 0]


def main() -> None:
    """Write the regions and their masks."""
    pairs = [region(picture, thing) for picture, thing in outlined()]
    np.save(REGIONS, np.stack([pixels for pixels, _ in pairs]))
    np.save(MASKS, np.stack([mask for _, mask in pairs]))


if __name__ == "__main__":
    main()
