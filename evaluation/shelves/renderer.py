"""Photographs of drinks on shelves, drawn: every picture follows from its seed, and so do its boxes.

A shelf is drawn straight on: wall, then row by row the drinks and the board they stand on, with a number for
every drink painted beside the colours. Perspective, light, blur, noise and JPEG come after; the boxes are
those of the numbers that can still be seen.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

from evaluation.shelves.products import SHAPES, catalogue
from evaluation.shelves.sprites import YAWS, sprite
from vision.nms import Boxes
from vision.ocr.warp import homography
from vision.tensors import Picture

FIRST_EVALUATION_SEED = 1_000_000
"""Pictures of this seed and of greater ones are for evaluation; training uses smaller ones only."""
FEWEST, MOST = 50, 300
"""Drinks on a shelf."""
LEAST_VISIBLE = 0.3
"""A drink of which less than this share of its area shows is part of the scenery."""
MEAN_SLOT = 0.33
"""Mean width of a drink and its gap, by the height of its row: the number of rows follows from it."""

Floats = NDArray[np.float32]


class Shelf(NamedTuple):
    """A picture uint8 RGB [H, W, 3] and what is on it.

    `boxes` float32 [n, 4] of (top, left, bottom, right) in its pixels; `classes` int64 [n], 0 to 170.
    """

    picture: Picture
    boxes: Boxes
    classes: NDArray[np.int64]


class Drink(NamedTuple):
    """One drink where it stands: the left edge and the foot of its sprite, in pixels of the canvas."""

    product: int
    yaw: int
    left: int
    foot: int
    height: int
    depth: float
    """0 at the front edge of the board, 1 far behind."""


class _Canvas:
    """Colours uint8 [H, W, 3], and the number of the drink that each pixel shows, int32 [H, W]; 0 is none."""

    def __init__(self, height: int, width: int) -> None:
        self.colours = np.zeros((height, width, 3), dtype=np.uint8)
        self.numbers = np.zeros((height, width), dtype=np.int32)
        self.classes: list[int] = []
        self.areas: list[int] = []

    def place(self, drink: Drink, brightness: float) -> None:
        """Draw a drink, its shadow to the right behind it; what lies outside the canvas is lost."""
        whole = sprite(drink.product, drink.yaw)
        width = max(3, round(whole.width * drink.height / whole.height))
        pixels = np.asarray(whole.resize((width, drink.height), Image.Resampling.BILINEAR, reducing_gap=2.0))
        cover = pixels[..., 3].astype(np.float32)[..., None] / 255
        self.classes.append(drink.product)
        self.areas.append(int((cover > 0.5).sum()))
        top = drink.foot - drink.height
        self._blend(top, drink.left + max(2, width // 9), np.float32(0), cover * np.float32(0.4))
        lit = (pixels[..., :3] * np.float32(brightness)).clip(0, 255)
        self._blend(top, drink.left, lit, cover, len(self.classes))

    def _blend(
        self, top: int, left: int, colours: Floats | np.float32, cover: Floats, number: int = 0
    ) -> None:
        height, width = self.numbers.shape
        rows, columns = slice(max(top, 0), top + cover.shape[0]), slice(max(left, 0), left + cover.shape[1])
        inner = (
            slice(rows.start - top, min(height, rows.stop) - top),
            slice(columns.start - left, min(width, columns.stop) - left),
        )
        if inner[1].stop <= inner[1].start or inner[0].stop <= inner[0].start:
            return
        shown, there = cover[inner], self.colours[rows, columns]
        fresh = colours[inner] if isinstance(colours, np.ndarray) else colours
        self.colours[rows, columns] = there + (fresh - there) * shown
        if number:
            self.numbers[rows, columns][shown[..., 0] > 0.5] = number


def render_shelf(seed: int) -> Shelf:
    """Return the shelf of `seed`: about FEWEST to MOST drinks, the longer side 1200 to 1800 pixels.

    Drinks come row by row, those that stand farther back first.
    """
    rng = np.random.default_rng(seed)
    long, aspect = int(rng.integers(1200, 1801)), float(rng.choice([4 / 3, 3 / 4, 1.0, 3 / 2, 16 / 9]))
    height, width = (long, round(long * aspect)) if aspect < 1 else (round(long / aspect), long)
    canvas = _stocked(rng, height, width)
    quad = _view(rng, height, width)
    perspective, size = Image.Transform.PERSPECTIVE, (width, height)
    colours = Image.fromarray(canvas.colours).transform(size, perspective, quad, Image.Resampling.BILINEAR)
    numbers = Image.fromarray(canvas.numbers).transform(size, perspective, quad)
    seen = _photographed(colours, rng)
    boxes, numbers_seen = visible_boxes(np.asarray(numbers), np.array(canvas.areas))
    return Shelf(seen, boxes, np.array(canvas.classes, dtype=np.int64)[numbers_seen])


def _stocked(rng: np.random.Generator, height: int, width: int) -> _Canvas:
    """Return a canvas with wall, boards, price tags and drinks."""
    sides = _sides(rng, width)
    board = float(rng.uniform(0.07, 0.13))
    rows = _arranged(rng, height, sides, board)
    canvas = _Canvas(height, width)
    canvas.colours[:] = rng.integers(40, 225, 3)
    paint, left_out = rng.integers(90, 245, 3), float(rng.choice([0.0, 0.03, 0.12]))
    keep = min(1 - left_out, 0.95 * MOST / sum(map(len, rows)))
    pitch = height / len(rows)
    thick = max(5, round(pitch * board))
    for row, standing in enumerate(rows):
        floor = _floor(row, pitch, board)
        _hollow(canvas, round(pitch * row), floor)
        for drink in sorted(standing, key=lambda one: -one.depth):
            if rng.random() < keep:
                canvas.place(drink, float(rng.uniform(0.88, 1.05)) * (1 - 0.35 * drink.depth))
        _board(canvas, rng, floor, thick, paint)
    _posts(canvas, sides, paint)
    return canvas


def _arranged(
    rng: np.random.Generator, height: int, sides: tuple[int, int], board: float
) -> list[list[Drink]]:
    """Return the drinks row by row, in as many rows as bring enough of them."""
    drinks = float(np.exp(rng.uniform(np.log(FEWEST * 1.1), np.log(MOST * 1.1))))
    count = max(2, round(np.sqrt(drinks * MEAN_SLOT * height / (sides[1] - sides[0]))))
    while True:
        pitch = height / count
        rows = [
            _row(rng, _floor(row, pitch, board), round(pitch * (1 - board)), sides) for row in range(count)
        ]
        if sum(map(len, rows)) >= FEWEST * 1.25:
            return rows
        count += 1


def _floor(row: int, pitch: float, board: float) -> int:
    """Return where the drinks of a row stand; `board` is the share of `pitch` that the board takes."""
    return round(pitch * (row + 1 - board))


def _sides(rng: np.random.Generator, width: int) -> tuple[int, int]:
    """Return where the shelf's posts stand; a third of the shelves goes on beyond the picture."""
    if rng.random() < 1 / 3:
        return -round(width * 0.05), round(width * 1.05)
    left, right = rng.uniform(0.06, 0.12, 2)
    return round(width * left), round(width * (1 - right))


def _row(rng: np.random.Generator, floor: int, clear: int, sides: tuple[int, int]) -> list[Drink]:
    """Return the drinks of a row whose board is at `floor`, `clear` pixels under the board above."""
    tallest = clear * rng.uniform(0.78, 0.95)
    drinks: list[Drink] = []
    left, end = float(sides[0] + clear * 0.03), sides[1]
    while left < end:
        product = int(rng.integers(len(catalogue())))
        shape = SHAPES[catalogue()[product].shape]
        tall = tallest * (shape.height if rng.random() < 0.7 else shape.height**0.5)
        gap = 1 + rng.uniform(-0.2, 0.15)
        for _ in range(int(rng.integers(1, 7))):
            height = round(tall * rng.uniform(0.98, 1.02))
            step = height * shape.aspect
            if left + step > end:
                return drinks
            depth = float(rng.uniform(0, 0.3) if rng.random() < 0.8 else rng.uniform(0.3, 0.8))
            foot = floor - round(depth * clear * 0.035)
            yaw = int(rng.integers(len(YAWS)))
            drinks.append(Drink(product, yaw, round(left), foot, round(height * (1 - 0.06 * depth)), depth))
            left += step * gap * rng.uniform(0.95, 1.05)
        left += clear * rng.uniform(0, 0.06)
    return drinks


def _hollow(canvas: _Canvas, top: int, floor: int) -> None:
    """Darken the back of a row: most under the board above, and again at the floor."""
    down = np.linspace(0, 1, floor - top, dtype=np.float32)[:, None, None]
    shade = 0.35 + 0.5 * down.clip(0, 0.7) - 0.9 * (down - 0.9).clip(0, 1)
    canvas.colours[top:floor] = canvas.colours[top:floor] * shade


def _board(
    canvas: _Canvas, rng: np.random.Generator, floor: int, thick: int, paint: NDArray[np.int64]
) -> None:
    """Draw the front edge of a board with its price tags."""
    edge = slice(floor, floor + thick)
    light = np.linspace(1.05, 0.75, canvas.numbers[edge].shape[0])[:, None, None]
    canvas.colours[edge] = (paint * light).clip(0, 255)
    canvas.numbers[edge] = 0
    whole = Image.fromarray(canvas.colours)
    draw = ImageDraw.Draw(whole)
    face = ImageFont.load_default(max(6, round(thick * 0.55)))
    left = rng.uniform(0, thick * 3)
    while left < whole.width:
        box = (left, floor + thick * 0.08, left + thick * 1.7, floor + thick * 0.92)
        draw.rectangle(box, fill=_TAGS[int(rng.integers(len(_TAGS)))])
        price = f"{rng.integers(1, 30)}.{rng.integers(10)}0"
        draw.text((left + thick * 0.15, floor + thick * 0.15), price, fill=(20, 20, 20), font=face)
        left += thick * rng.uniform(2.2, 6)
    canvas.colours[edge] = np.asarray(whole)[edge]


_TAGS = ((250, 250, 245), (255, 235, 60), (250, 250, 245), (240, 70, 60))


def _posts(canvas: _Canvas, sides: tuple[int, int], paint: NDArray[np.int64]) -> None:
    """Draw the posts at the sides, and leave what stands beyond them dark."""
    width = canvas.numbers.shape[1]
    for start, stop in ((0, max(0, sides[0])), (min(width, sides[1]), width)):
        canvas.colours[:, start:stop] = canvas.colours[:, start:stop] * np.float32(0.4)
        canvas.numbers[:, start:stop] = 0
    thick = max(4, width // 80)
    for edge in (sides[0] - thick, sides[1]):
        canvas.colours[:, max(0, edge) : max(0, edge + thick)] = paint * 0.8


def _light(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Return uneven light, float32 [height, width], by which colours are multiplied."""
    strength = rng.uniform(0.65, 1.2) * (1 + rng.uniform(-0.25, 0.25, (3, 3)))
    coarse = Image.fromarray(strength.astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _view(rng: np.random.Generator, height: int, width: int) -> Sequence[float]:
    """Return Pillow's eight numbers of a perspective: a quadrangle of the canvas fills the picture."""
    inset = rng.uniform(0, 0.045, (4, 2))
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    return homography(corners, corners + inset * inwards * (width, height))


def _photographed(picture: Image.Image, rng: np.random.Generator) -> Picture:
    """Return what lamps, a camera and its JPEG make of the picture."""
    height, width = picture.height, picture.width
    blurred = picture.filter(ImageFilter.GaussianBlur(float(rng.choice([0, 0.5, 0.8, 1.2]))))
    tints = rng.uniform(0.9, 1.1, 3)
    tinted = blurred.point([min(255, round(value * tint)) for tint in tints for value in range(256)])
    noise = rng.standard_normal((256, 256, 3), dtype=np.float32) * np.float32(rng.uniform(1, 8))
    seen = np.asarray(tinted) * _light(rng, height, width)[..., None]
    seen += np.tile(noise, (height // 256 + 1, width // 256 + 1, 1))[:height, :width]
    file = io.BytesIO()
    quality = int(rng.integers(60, 96))
    Image.fromarray(seen.clip(0, 255, out=seen).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def visible_boxes(numbers: NDArray[np.int32], areas: NDArray[np.int64]) -> tuple[Boxes, NDArray[np.intp]]:
    """Return the boxes [n, 4] of the drinks of which enough shows, and which of them these are [n].

    `numbers` [h, w] say which drink a pixel shows, from 1; `areas` are how many pixels each has as a whole.
    """
    shown = np.bincount(numbers.ravel(), minlength=len(areas) + 1)[1:]
    found = ndimage.find_objects(numbers, max_label=len(areas))
    kept = np.flatnonzero(shown >= LEAST_VISIBLE * areas)
    boxes = [(ys.start, xs.start, ys.stop, xs.stop) for ys, xs in (found[one] for one in kept)]
    return np.array(boxes, dtype=np.float32).reshape(-1, 4), kept
