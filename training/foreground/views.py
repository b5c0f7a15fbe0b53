"""Parts of pictures with people and without, changed at random; some have people pasted into them."""

from functools import cached_property
from hashlib import md5
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from evaluation.labelled import FOLDER, IGNORED, Labelled
from evaluation.people import KINDS, NAME, among_classes, cut_out, truth
from training.foreground.net import SELFIE_SIDE, SIDE
from training.foreground.seen import Person, kept

SHARES = {"coco": 0.3, "humanseg": 0.2, "idphoto": 0.13, "voc": 0.22, "coco_objects": 0.15}
"""Of the views that show people, by where they are from."""
SHARE_WITHOUT, SHARE_PASTED = 0.34, 0.16
SHARE_WHOLE, SMALLEST_PART, SMALLEST_GROUND = 0.45, 0.45, 0.6
LEAST_PASTED, MOST_PASTED = 0.2, 1.0
"""Longer side of pasted people, in sides of the picture."""
LEAST_LABELLED = 0.1
"""Of a box that another detector sees: where people cover less, nobody labelled its person."""
SHARE_GREY, LARGEST_CHANGE = 0.08, 0.3
_CHANGES = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


class View(NamedTuple):
    """A picture uint8 RGB [SIDE, SIDE, 3] and its `Truth`, [SELFIE_SIDE, SELFIE_SIDE]."""

    pixels: NDArray[np.uint8]
    truth: NDArray[np.uint8]


class Lesson(NamedTuple):
    """A picture, and the boxes of persons that another detector sees in it."""

    one: Labelled
    boxes: tuple[Person, ...] = ()
    is_without: bool = False

    def loaded(self) -> tuple[Image.Image, Image.Image]:
        """Return the picture, and its truth."""
        picture = Image.open(self.one.picture).convert("RGB")
        if self.is_without:
            return picture, Image.new("L", picture.size)
        return picture, Image.fromarray(self._known(truth(self.one)))

    def _known(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the truth without those whom another detector sees and nobody labelled."""
        mask = mask.copy()
        height, width = mask.shape
        for left, top, right, bottom, _ in self.boxes:
            rows = slice(max(0, round(top * height)), max(0, round(bottom * height)))
            columns = slice(max(0, round(left * width)), max(0, round(right * width)))
            inside = mask[rows, columns]
            if inside.size and (inside == 1).mean() < LEAST_LABELLED:
                inside[inside == 0] = IGNORED
        return mask


class Lessons:
    """The pictures that are not held out: by where people are from, and those without."""

    def __init__(self, *, chosen_by: bool) -> None:
        self._chosen_by = chosen_by

    @cached_property
    def with_people(self) -> dict[str, list[Lesson]]:
        """Return the pictures with people by the names of `SHARES`."""
        boxes = kept()
        sets = {
            kind: [Lesson(one, tuple(boxes[_key(one)])) for one in cut_out(kind, held_out=False)]
            for kind in KINDS
        }
        for name, set_name in (("voc", "voc"), ("coco_objects", "coco")):
            sets[name] = [Lesson(one) for one in among_classes(set_name, held_out=False)[0]]
        return {name: [one for one in some if self._is_ours(one)] for name, some in sets.items()}

    @cached_property
    def without(self) -> list[Lesson]:
        """Return the pictures in which no person is labelled, and none is seen."""
        people = FOLDER / NAME
        nobody = [FOLDER.parent / path for path, persons in kept().items() if not persons]
        some = [
            Lesson(Labelled(path.parents[1].name, path), is_without=True)
            for path in nobody
            if people not in path.parents
        ]
        return [one for one in some if self._is_ours(one)]

    def _is_ours(self, lesson: Lesson) -> bool:
        """A seventh of the pictures, by a rule of their names, is what something may be chosen by."""
        digit = md5(f"{lesson.one.set}/{lesson.one.picture.name}".encode()).hexdigest()[0]
        return (digit in "34") == self._chosen_by


def _key(one: Labelled) -> str:
    return str(one.picture.relative_to(FOLDER.parent))


class Views:
    """Views of the lessons without end, changed at random: the same for a seed and a number."""

    def __init__(self, lessons: Lessons, seed: int) -> None:
        self._lessons, self._seed = lessons, seed

    def __getitem__(self, number: int) -> View:
        """Return view `number`."""
        random = np.random.default_rng((self._seed, number))
        chance = random.random()
        if chance < SHARE_WITHOUT + SHARE_PASTED:
            picture, mask = _part(*_one_of(self._lessons.without, random).loaded(), random, SMALLEST_GROUND)
        else:
            picture, mask = self._with_people(random)
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        mask = mask.resize((SELFIE_SIDE, SELFIE_SIDE), Image.Resampling.NEAREST)
        if SHARE_WITHOUT < chance < SHARE_WITHOUT + SHARE_PASTED:
            self._paste(picture, mask, random)
        for change in _CHANGES:
            picture = change(picture).enhance(random.uniform(1 - LARGEST_CHANGE, 1 + LARGEST_CHANGE))
        if random.random() < SHARE_GREY:
            picture = picture.convert("L").convert("RGB")
        pixels, known = np.asarray(picture), np.asarray(mask)
        return View(pixels[:, ::-1], known[:, ::-1]) if random.random() < 0.5 else View(pixels, known)

    def _drawn(self, random: np.random.Generator) -> Lesson:
        name = random.choice(list(SHARES), p=list(SHARES.values()))
        return _one_of(self._lessons.with_people[str(name)], random)

    def _with_people(self, random: np.random.Generator) -> tuple[Image.Image, Image.Image]:
        picture, mask = self._drawn(random).loaded()
        if random.random() < SHARE_WHOLE:
            return picture, mask
        return _part(picture, mask, random, SMALLEST_PART)

    def _paste(self, picture: Image.Image, mask: Image.Image, random: np.random.Generator) -> None:
        """Cut the people out of another picture, and paste them at a random size and place."""
        other, shape = self._drawn(random).loaded()
        shape = shape.point(lambda value: 255 * (value == 1))
        box = shape.getbbox()
        if box is None:
            return
        width, height = box[2] - box[0], box[3] - box[1]
        scale = random.uniform(LEAST_PASTED, MOST_PASTED) * SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        place = (int(random.integers(SIDE - size[0] + 1)), int(random.integers(SIDE - size[1] + 1)))
        if box[3] >= other.height - 3:  # people whom the picture's lower edge cuts are cut by it here, too
            place = (place[0], SIDE - size[1])
        shape = shape.crop(box).resize(size, Image.Resampling.BILINEAR)
        picture.paste(other.crop(box).resize(size, Image.Resampling.BILINEAR), place, shape)
        whole = Image.new("L", picture.size)
        whole.paste(shape, place)
        whole = whole.resize(mask.size, Image.Resampling.BILINEAR)
        mask.paste(1, (0, 0), whole.point(lambda value: 255 * (value > 127)))


def _one_of(some: list[Lesson], random: np.random.Generator) -> Lesson:
    return some[random.integers(len(some))]


def _part(
    picture: Image.Image, mask: Image.Image, random: np.random.Generator, smallest: float
) -> tuple[Image.Image, Image.Image]:
    """Return a random part of picture and mask."""
    shares = (random.uniform(smallest, 1) * random.uniform(0.8, 1.25, 2)).clip(max=1)
    width, height = (np.array(picture.size) * shares).astype(int).clip(1).tolist()
    left = int(random.integers(picture.width - width + 1))
    top = int(random.integers(picture.height - height + 1))
    box = (left, top, left + width, top + height)
    return picture.crop(box), mask.crop(box)
