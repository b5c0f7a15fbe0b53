"""A picture that is drawn on, in the coordinates of answers and in lines and letters of a size to be seen."""

import colorsys
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from modelhub.present.fonts import Font, font
from modelhub.present.labels import Placing, Rect

Colour = tuple[int, int, int]
Point = tuple[float, float]
"""(y, x) in pixels of the upright picture, as everywhere in answers."""

ACCENT: Colour = (220, 30, 90)
PAPER: Colour = (255, 255, 255)
INK: Colour = (0, 0, 0)
TINT = 0.6
"""Share of a colour where something is tinted."""

LEAST_TEXT = 11
"""Pixels of the smallest letters that can be read."""
_TEXTS = 45  # lines of text would cover a square picture
_HEADLINE_LINES = 3


@dataclass(frozen=True)
class Label:
    """A text about the thing in `rect`, in pixels of what is drawn on."""

    text: str
    rect: Rect
    colour: Colour = ACCENT
    """Of the paper that it is written on."""
    size: int | None = None
    """Of its letters; None: as large as the picture's others."""


class Canvas:
    """An RGB picture that answers are drawn on.

    `pictures` are shown side by side. Answers are about the first, which is (scale_x, scale_y) times as
    large as the picture that was sent.
    """

    def __init__(self, pictures: Sequence[Image.Image], scale: tuple[float, float] = (1.0, 1.0)) -> None:
        self.picture = _side_by_side(pictures)
        self.width, self.height = pictures[0].size
        self._scale = scale
        self._draw = ImageDraw.Draw(self.picture)

    @cached_property
    def text_size(self) -> int:
        """Pixels of letters: larger in larger pictures, and never more than a quarter of a narrow one."""
        wanted = max(LEAST_TEXT, round(math.sqrt(self.width * self.height) / _TEXTS))
        return max(1, min(wanted, max(LEAST_TEXT, self.height // 4)))

    @cached_property
    def line_width(self) -> int:
        """Pixels of lines."""
        return max(2, self.text_size // 8)

    def rect(self, box: Sequence[float]) -> Rect:
        """Return an answer's box (top, left, bottom, right) in pixels of the canvas."""
        top, left, bottom, right = box
        (x0, y0), (x1, y1) = self.points([(top, left), (bottom, right)])
        return x0, y0, x1, y1

    def points(self, points: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
        """Return an answer's points (y, x) as (x, y) in pixels of the canvas."""
        return [(float(x) * self._scale[0], float(y) * self._scale[1]) for y, x in points]

    def shown(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return `values` [height, width] of the picture that was sent, as of the one that is shown."""
        if values.shape == (self.height, self.width):
            return values
        return np.asarray(Image.fromarray(values).resize((self.width, self.height), Image.Resampling.NEAREST))

    def tint(self, mask: NDArray[np.bool_], colour: Colour) -> None:
        """Blend the pixels in `mask`, which is of the picture that was sent, with a colour."""
        inside = Image.fromarray(self.shown(mask.astype(np.uint8) * np.uint8(255)))
        where = inside.getbbox()
        if where is None:
            return
        part = self.picture.crop(where)
        tinted = Image.blend(part, Image.new("RGB", part.size, colour), TINT)
        self.picture.paste(tinted, where, inside.crop(where))

    def frame(self, box: Sequence[float], colour: Colour) -> None:
        """Draw a box (top, left, bottom, right)."""
        left, top, right, bottom = self.rect(box)
        self._draw.rectangle((left, top, max(left, right), max(top, bottom)), None, colour, self.line_width)

    def outline(self, points: Iterable[Sequence[float]], colour: Colour) -> None:
        """Draw lines from each of `points` (y, x) to the next, and back to the first."""
        self._draw.polygon(self.points(points), outline=colour, width=self.line_width)

    def label(self, labels: Sequence[Label]) -> None:
        """Write `labels` where none covers another; those that come first have the choice."""
        faces = [font(label.size or self.text_size) for label in labels]
        texts = [_fitted(label.text, self.width, face) for label, face in zip(labels, faces, strict=True)]
        sizes = [_extent(text, face) for text, face in zip(texts, faces, strict=True)]
        places = Placing(self.width, self.height).places([label.rect for label in labels], sizes)
        for label, text, face, place in zip(labels, texts, faces, places, strict=True):
            if place is not None:
                self._write(place, text, face, label.colour)

    def headline(self, text: str) -> None:
        """Write `text` over the upper edge, in several lines where it is long."""
        self.legend([(text, PAPER)])

    def legend(self, entries: Sequence[tuple[str, Colour]]) -> None:
        """Write texts over the upper edge, one after another and each on paper of its colour."""
        face, gap = font(self.text_size), self.text_size / 3
        room = self.picture.width - 2 * gap
        x = y = gap
        for text, colour in entries:
            for line in _lines(text, room, face, self._headline_lines(face)):
                width, height = _extent(line, face)
                if x > gap and x + width > gap + room:
                    x, y = gap, y + height
                self._write((x, y, x + width, y + height), line, face, colour)
                x += width + gap

    def _headline_lines(self, face: Font) -> int:
        """Return how many lines a headline has at most, so that it hides no more than a third."""
        return max(1, min(_HEADLINE_LINES, int(self.height / 3 // sum(_metrics(face)))))

    def _write(self, place: Rect, text: str, face: Font, paper: Colour) -> None:
        self._draw.rectangle(place, fill=paper)
        margin = _margin(face)
        ascent = _metrics(face)[0]
        self._draw.text(
            (place[0] + margin, place[1] + ascent), text, fill=_ink(paper), font=face, anchor="ls"
        )


def colour_of(index: int) -> Colour:
    """Return a colour far from those of near indices: steps of the golden section round the wheel."""
    red, green, blue = (round(255 * share) for share in colorsys.hsv_to_rgb(index * 0.618 % 1, 1, 1))
    return red, green, blue


def reduced(picture: Image.Image, longest_side: int | None) -> Image.Image:
    """Return `picture`, smaller if its longest side exceeds `longest_side`."""
    scale = longest_side / max(picture.size) if longest_side else 1.0
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _ink(paper: Colour) -> Colour:
    """Return white or black, whichever is further from `paper`; the accent on white."""
    if paper == PAPER:
        return ACCENT
    red, green, blue = paper
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 110 else PAPER


def _side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    canvas = Image.new("RGB", (sum(one.width for one in pictures), max(one.height for one in pictures)))
    left = 0
    for picture in pictures:
        canvas.paste(picture, (left, 0))
        left += picture.width
    return canvas


def _metrics(face: Font) -> tuple[int, int]:
    """Return how far letters reach above their line and below it."""
    if not hasattr(face, "getmetrics"):
        return face.getbbox("Åg")[3], 0
    ascent, descent = face.getmetrics()
    return ascent, descent


def _margin(face: Font) -> float:
    return sum(_metrics(face)) / 8


def _extent(text: str, face: Font) -> tuple[float, float]:
    """Return the width and the height of the paper that `text` is written on."""
    return face.getlength(text) + 2 * _margin(face), float(sum(_metrics(face)))


def _fitted(text: str, width: float, face: Font) -> str:
    """Return `text`, cut short where it is wider than `width`."""
    if _extent(text, face)[0] <= width:
        return text
    shorter = (text[:end].rstrip() + "…" for end in range(min(len(text), 200), 0, -1))
    return next((one for one in shorter if _extent(one, face)[0] <= width), text[:1])


def _lines(text: str, width: float, face: Font, most: int) -> Iterator[str]:
    """Yield `text` in lines that are no wider than `width`, at most `most`; the last may be cut short."""
    words = text.split(" ")
    for number in range(1, most + 1):
        count = len(words)
        while count > 1 and _extent(" ".join(words[:count]), face)[0] > width:
            count -= 1
        if number == most:
            count = len(words)
        yield _fitted(" ".join(words[:count]), width, face)
        words = words[count:]
        if not words:
            return
