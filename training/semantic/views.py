"""Parts of labelled pictures, changed at random, with things pasted upon them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from evaluation.labelled import Labelled

SIDE = 320
"""Of the picture that the net is served with."""
LABEL_SIDE = 80
SHARE_BY_CLASS = 0.7
"""Of views that are drawn by class, each alike; the others are drawn by picture."""
SHARE_WHOLE, SMALLEST_PART = 0.25, 0.5
SHARE_PASTED = 0.4
SMALLEST_PASTED, LARGEST_PASTED = 0.25, 0.8
"""Longer side of a pasted thing, in sides of the picture."""
LARGEST_CHANGE = 0.3
_CHANGES = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


class View(NamedTuple):
    """A picture uint8 RGB [SIDE, SIDE, 3] and its class ids uint8 [LABEL_SIDE, LABEL_SIDE], or IGNORED."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class Views:
    """Views of `pictures` without end, changed at random: the same for a seed and a number."""

    def __init__(self, pictures: list[Labelled], seed: int) -> None:
        self._pictures, self._seed = pictures, seed
        with_class: dict[int, list[Labelled]] = {}
        for one in pictures:
            for kind in one.classes().tolist():
                with_class.setdefault(kind, []).append(one)
        self._of_class = sorted(with_class.items())

    def __getitem__(self, number: int) -> View:
        """Return view `number`."""
        random = np.random.default_rng((self._seed, number))
        kind, one = self._drawn(random)
        if random.random() > SHARE_BY_CLASS:
            kind, one = 0, self._pictures[random.integers(len(self._pictures))]
        picture, labels = Image.open(one.picture).convert("RGB"), one.labels()
        if random.random() > SHARE_WHOLE:
            box = _part(np.asarray(labels), kind, random)
            picture, labels = picture.crop(box), labels.crop(box)
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        labels = labels.resize((SIDE, SIDE), Image.Resampling.NEAREST)
        if random.random() < SHARE_PASTED:
            self._paste(picture, labels, random)
        for change in _CHANGES:
            picture = change(picture).enhance(random.uniform(1 - LARGEST_CHANGE, 1 + LARGEST_CHANGE))
        pixels, ids = (
            np.asarray(picture),
            np.asarray(labels.resize((LABEL_SIDE,) * 2, Image.Resampling.NEAREST)),
        )
        return View(pixels[:, ::-1], ids[:, ::-1]) if random.random() < 0.5 else View(pixels, ids)

    def _drawn(self, random: np.random.Generator) -> tuple[int, Labelled]:
        kind, pictures = self._of_class[random.integers(len(self._of_class))]
        return kind, pictures[random.integers(len(pictures))]

    def _paste(self, picture: Image.Image, labels: Image.Image, random: np.random.Generator) -> None:
        """Cut the things of one class out of another picture, and paste them at a random size and place."""
        kind, other = self._drawn(random)
        shape = Image.fromarray(np.asarray(other.labels()) == kind)
        box = shape.getbbox()
        assert box is not None
        width, height = box[2] - box[0], box[3] - box[1]
        scale = random.uniform(SMALLEST_PASTED, LARGEST_PASTED) * SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        shape = shape.crop(box).convert("L").resize(size, Image.Resampling.BILINEAR)
        thing = Image.open(other.picture).convert("RGB").crop(box).resize(size, Image.Resampling.BILINEAR)
        place = (int(random.integers(SIDE - size[0] + 1)), int(random.integers(SIDE - size[1] + 1)))
        picture.paste(thing, place, shape)
        labels.paste(
            kind,
            (*place, place[0] + size[0], place[1] + size[1]),
            shape.point(lambda value: 255 * (value > 127)),
        )


def whole(one: Labelled) -> NDArray[np.uint8]:
    """Return the picture as it is served, uint8 RGB [SIDE, SIDE, 3]."""
    picture = Image.open(one.picture).convert("RGB")
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def _part(labels: NDArray[np.uint8], kind: int, random: np.random.Generator) -> Box:
    """Return a random part, in which something of the class `kind` lies if that is not the background."""
    height, width = labels.shape
    shares = (random.uniform(SMALLEST_PART, 1) * random.uniform(0.8, 1.25, 2)).clip(max=1)
    sides = (np.array([height, width]) * shares).astype(int)
    room = np.array([height, width]) - sides
    first = random.integers(room + 1)
    if kind:
        points = np.argwhere(labels == kind)
        point = points[random.integers(len(points))]
        first = random.integers((point - sides + 1).clip(0, room), np.minimum(point, room) + 1)
    (top, left), (bottom, right) = first.tolist(), (first + sides).tolist()
    return left, top, right, bottom
