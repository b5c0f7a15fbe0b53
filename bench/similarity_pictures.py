"""Pairs of pictures that `image_similarity` is judged by: four kinds, and copies as people make them.

Everything follows from the seed and from the photos that are given; nothing is stored here. Half of the pairs
of different pictures are hard: one template with other content, one product in two colours, one panorama
with another end.
"""

import colorsys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFont, ImageOps

from bench.ocr_pages import ENGLISH_WORDS, FONT_FOLDER, FONTS
from evaluation.labelled import IGNORED, Labelled
from evaluation.picture_files import encoded
from evaluation.shelves.products import catalogue
from evaluation.shelves.sprites import YAWS, sprite
from vision.picture import open_image

Random = np.random.Generator
Colour = tuple[int, int, int]
Pair = tuple[Image.Image, Image.Image]

LEAST_SIDE = 64
"""Pixels: no copy is reduced below it."""
_LETTERS = "aaabcdeeeefghiiijklmnnooopqrrsstttuvwxyz"


@dataclass(frozen=True)
class Material:
    """Real pictures that pairs are made from: photos, scanned documents, and things cut out, on white."""

    photos: Sequence[Path]
    scans: Sequence[Path] = ()
    things: Sequence[Labelled] = ()


def documents(material: Material, rng: Random) -> Pair:
    """Return two pages of text: of one layout and font, or of two, or two scans."""
    if material.scans and rng.random() < 0.2:
        one, other = rng.choice(len(material.scans), 2, replace=False)
        return _opened(material.scans[one]), _opened(material.scans[other])
    layout = _Layout.drawn(rng)
    return layout.page(rng), (layout if rng.random() < 0.5 else _Layout.drawn(rng)).page(rng)


@dataclass(frozen=True)
class _Layout:
    """What pages of one publication share."""

    width: int
    height: int
    font: int
    size: int
    columns: int
    spacing: float
    ink: Colour
    paper: Colour
    justified: bool
    title: bool

    @classmethod
    def drawn(cls, rng: Random) -> "_Layout":
        width = int(rng.integers(500, 1200))
        return cls(
            width=width,
            height=int(width * rng.choice([0.75, 1.0, 1.414, 1.414, 2.2])),
            font=int(rng.integers(len(FONTS))),
            size=int(rng.integers(max(9, width // 75), width // 28)),
            columns=int(rng.choice([1, 1, 2])),
            spacing=float(rng.uniform(1.2, 1.9)),
            ink=_colour(rng, 0, 90) if rng.random() < 0.3 else (20, 20, 20),
            paper=_colour(rng, 225, 256) if rng.random() < 0.3 else (255, 255, 255),
            justified=bool(rng.random() < 0.5),
            title=bool(rng.random() < 0.4),
        )

    def page(self, rng: Random) -> Image.Image:
        picture = Image.new("RGB", (self.width, self.height), self.paper)
        draw, margin = ImageDraw.Draw(picture), self.width // 12
        font, top = _font(self.font, self.size), margin
        if self.title:
            draw.text((margin, top), _words(rng, 3), self.ink, _font(self.font, self.size * 2))
            top += self.size * 4
        column = (self.width - margin * (self.columns + 1)) // self.columns
        for left in range(margin, self.width - margin, column + margin):
            for line in np.arange(top, self.height - margin - self.size, self.size * self.spacing):
                if rng.random() > 0.08:
                    reach = column if self.justified or rng.random() < 0.6 else column * rng.uniform(0.3, 1)
                    self._line(draw, (left, int(line)), reach, font, rng)
        return picture

    def _line(
        self,
        draw: ImageDraw.ImageDraw,
        place: tuple[int, int],
        reach: float,
        font: ImageFont.FreeTypeFont,
        rng: Random,
    ) -> None:
        text = _words(rng, 1)
        while font.getlength(text) < reach:
            text += " " + _words(rng, 1)
        words = text.split(" ")[:-1] or [text]
        free = reach - font.getlength(" ".join(words)) if self.justified else 0.0
        left, top = float(place[0]), place[1]
        for word in words:
            draw.text((left, top), word, self.ink, font)
            left += font.getlength(word + " ") + free / max(1, len(words) - 1)


def flat_graphics(material: Material, rng: Random) -> Pair:
    """Return two charts, logos, flags or plain areas: of one template in other values, or of two."""
    size = (int(rng.integers(200, 1000)), int(rng.integers(200, 1000)))
    draw = _GRAPHICS[int(rng.integers(len(_GRAPHICS)))]
    other = draw if rng.random() < 0.5 else _GRAPHICS[int(rng.integers(len(_GRAPHICS)))]
    grounds: tuple[Colour, Colour] = ((255, 255, 255), (255, 255, 255))
    if draw is _plain or rng.random() < 0.3:
        grounds = _unlike(rng) if rng.random() < 0.7 else ((255, 255, 255), (0, 0, 0))
    return draw(size, grounds[0], rng), other(size, grounds[1], rng)


def _bars(size: tuple[int, int], ground: Colour, rng: Random) -> Image.Image:
    picture, (width, height) = Image.new("RGB", size, ground), size
    draw, count = ImageDraw.Draw(picture), int(rng.integers(4, 9))
    colour, step = _vivid(rng), width / (count + 1)
    for index, value in enumerate(rng.uniform(0.1, 0.9, count)):
        left = step * (index + 0.6)
        draw.rectangle((left, height * (0.95 - 0.85 * value), left + step * 0.7, height * 0.95), colour)
    draw.line((step * 0.4, height * 0.95, width - step * 0.3, height * 0.95), (60, 60, 60), 3)
    return picture


def _pie(size: tuple[int, int], ground: Colour, rng: Random) -> Image.Image:
    picture, (width, height) = Image.new("RGB", size, ground), size
    draw, radius = ImageDraw.Draw(picture), min(size) * 0.4
    box = (width / 2 - radius, height / 2 - radius, width / 2 + radius, height / 2 + radius)
    ends = np.cumsum(rng.dirichlet(np.full(int(rng.integers(3, 7)), 2.0))) * 360
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        draw.pieslice(box, float(start), float(end), _vivid(rng))
    return picture


def _flag(size: tuple[int, int], ground: Colour, rng: Random) -> Image.Image:
    picture, (width, height) = Image.new("RGB", size, ground), size
    draw, count, upright = ImageDraw.Draw(picture), int(rng.integers(2, 5)), rng.random() < 0.5
    for index in range(count):
        start, end = index / count, (index + 1) / count
        box = (width * start, 0, width * end, height) if upright else (0, height * start, width, height * end)
        draw.rectangle(box, _vivid(rng))
    return picture


def _logo(size: tuple[int, int], ground: Colour, rng: Random) -> Image.Image:
    picture, draw_on = Image.new("RGB", size, ground), np.array(size)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(1, 5))):
        middle, reach = rng.uniform(0.3, 0.7, 2) * draw_on, rng.uniform(0.1, 0.3) * min(size)
        corners = int(rng.integers(3, 9))
        draw.regular_polygon((*middle.tolist(), reach), corners, int(rng.integers(90)), _vivid(rng))
    if rng.random() < 0.6:
        font = _font(int(rng.integers(len(FONTS))), max(12, size[0] // 10))
        draw.text((size[0] * 0.2, size[1] * 0.75), _words(rng, 1).upper(), _vivid(rng), font)
    return picture


def _screen(size: tuple[int, int], ground: Colour, rng: Random) -> Image.Image:
    picture, (width, height) = Image.new("RGB", size, ground), size
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, height * 0.1), _vivid(rng))
    for row in np.arange(0.15, 0.95, 0.12):
        left = rng.uniform(0.05, 0.4) * width
        box = (left, height * row, left + rng.uniform(0.1, 0.5) * width, height * (row + 0.08))
        draw.rounded_rectangle(box, 6, _vivid(rng) if rng.random() < 0.6 else (225, 225, 230))
    return picture


def _plain(size: tuple[int, int], ground: Colour, rng: Random) -> Image.Image:
    return Image.new("RGB", size, ground)


_GRAPHICS = (_bars, _pie, _flag, _logo, _screen, _plain)


def products(material: Material, rng: Random) -> Pair:
    """Return two products on white: one in two colours, or two in one place, or two."""
    side, place = int(rng.integers(300, 900)), _Place.drawn(rng)
    one, other = _thing(material, rng), _thing(material, rng)
    while one == other:
        other = _thing(material, rng)
    if rng.random() < 0.35:
        colours = _unlike(rng)
        return place.on_white(_tinted(one, colours[0]), side), place.on_white(_tinted(one, colours[1]), side)
    second = place if rng.random() < 0.5 else _Place.drawn(rng)
    return place.on_white(one, side), second.on_white(other, side)


@dataclass(frozen=True)
class _Place:
    """Where a product stands on its white square, as shares of its side."""

    size: float
    x: float
    y: float

    @classmethod
    def drawn(cls, rng: Random) -> "_Place":
        return cls(*rng.uniform((0.45, 0.45, 0.45), (0.9, 0.55, 0.55)).tolist())

    def on_white(self, thing: Image.Image, side: int) -> Image.Image:
        picture = Image.new("RGB", (side, side), "white")
        fitted = ImageOps.contain(thing, (int(side * self.size), int(side * self.size)))
        corner = (int(side * self.x - fitted.width / 2), int(side * self.y - fitted.height / 2))
        picture.paste(fitted, corner, fitted)
        return picture


def _thing(material: Material, rng: Random) -> Image.Image:
    """Return a product as RGBA, cut to what is seen of it."""
    if material.things and rng.random() < 0.6:
        labelled = material.things[int(rng.integers(len(material.things)))]
        thing, labels = _opened(labelled.picture), np.asarray(labelled.labels())
        thing.putalpha(Image.fromarray(np.isin(labels, (0, IGNORED), invert=True)))
    else:
        thing = sprite(int(rng.integers(len(catalogue()))), int(rng.integers(len(YAWS))))
    return thing.crop(thing.getchannel("A").getbbox())


def _tinted(thing: Image.Image, colour: Colour) -> Image.Image:
    tinted = ImageOps.colorize(ImageOps.autocontrast(thing.convert("L")), "black", "white", colour)
    tinted.putalpha(thing.getchannel("A"))
    return tinted


def panoramas(material: Material, rng: Random) -> Pair:
    """Return two wide or tall pictures of photos side by side: nothing shared, or all but one end or two."""
    count = int(rng.integers(3, 6))
    chosen = [material.photos[index] for index in rng.choice(len(material.photos), 2 * count, replace=False)]
    one, other = chosen[:count], chosen[count:]
    shared = rng.random()
    if shared < 0.25:
        other = [other[0], *one[1:-1], other[-1]]
    elif shared < 0.5:
        other = [*one[:-1], other[-1]] if rng.random() < 0.5 else [other[0], *one[1:]]
    height, turned = int(rng.integers(160, 400)), rng.random() < 0.3
    pictures = (_joined(photos, height) for photos in (one, other))
    first, second = (p.transpose(Image.Transpose.ROTATE_90) if turned else p for p in pictures)
    return first, second


def _joined(photos: Sequence[Path], height: int) -> Image.Image:
    parts = [ImageOps.fit(_opened(photo), (height * 4 // 3, height)) for photo in photos]
    picture = Image.new("RGB", (sum(part.width for part in parts), height))
    for index, part in enumerate(parts):
        picture.paste(part, (index * part.width, 0))
    return picture


def photos(material: Material, rng: Random) -> Pair:
    """Return two photos."""
    one, other = rng.choice(len(material.photos), 2, replace=False)
    return _opened(material.photos[one]), _opened(material.photos[other])


KINDS: dict[str, Callable[[Material, Random], Pair]] = {
    "documents": documents,
    "flat graphics": flat_graphics,
    "products on white": products,
    "panoramas": panoramas,
}


def reduced(picture: Image.Image, rng: Random) -> Image.Image:
    """Return it at a quarter to three quarters of its sides."""
    scale = max(rng.uniform(0.25, 0.75), min(1.0, LEAST_SIDE / min(picture.size)))
    sides = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    kernel = (Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)[rng.integers(3)]
    return picture.resize(sides, kernel)


def recompressed(picture: Image.Image, rng: Random) -> Image.Image:
    """Return it as JPEG or WebP leaves it."""
    kind = "JPEG" if rng.random() < 0.8 else "WEBP"
    return open_image(encoded(picture, kind, quality=int(rng.integers(20, 80))))


def cut(picture: Image.Image, rng: Random) -> Image.Image:
    """Return it without up to 5% at each side, or without up to 10% of width and height at one corner."""
    sides, corner = rng.uniform(0, 0.05, 4), rng.uniform((0, 0, 0, 0), (0, 0, 0.1, 0.1))
    left, top, right, bottom = sides if rng.random() < 0.7 else corner
    width, height = picture.size
    return picture.crop(
        (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    )


def brightened(picture: Image.Image, rng: Random) -> Image.Image:
    """Return it darker or brighter, by a factor or by levels."""
    if rng.random() < 0.7:
        return ImageEnhance.Brightness(picture).enhance(rng.uniform(0.7, 1.3))
    level = int(rng.integers(-40, 41))
    grey = Image.new("RGB", picture.size, (abs(level),) * 3)
    return (ImageChops.add if level > 0 else ImageChops.subtract)(picture, grey)


ALTERATIONS = (reduced, recompressed, cut, brightened)


def altered(picture: Image.Image, rng: Random) -> bytes:
    """Return a copy of a picture as a file: altered in one way or two, and kept as JPEG or PNG."""
    for index in rng.choice(len(ALTERATIONS), int(rng.integers(1, 3)), replace=False):
        picture = ALTERATIONS[index](picture, rng)
    return encoded(picture, "PNG") if rng.random() < 0.3 else encoded(picture, "JPEG", quality=85)


def _opened(path: Path) -> Image.Image:
    return open_image(path.read_bytes())


def _font(index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT_FOLDER / FONTS[index], size)


def _words(rng: Random, count: int) -> str:
    """Return English words and made-up ones."""
    known = ENGLISH_WORDS.split()
    made = ("".join(rng.choice(list(_LETTERS), int(rng.integers(2, 12)))) for _ in range(count))
    return " ".join(str(rng.choice(known)) if rng.random() < 0.4 else word for word in made)


def _colour(rng: Random, low: int, high: int) -> Colour:
    red, green, blue = rng.integers(low, high, 3).tolist()
    return red, green, blue


def _vivid(rng: Random) -> Colour:
    return _of_hue(rng.uniform(0, 1), rng.uniform(0.4, 1), rng.uniform(0.3, 0.9))


def _unlike(rng: Random) -> tuple[Colour, Colour]:
    """Return two colours whose hues are far apart."""
    hue, value = rng.uniform(0, 1), rng.uniform(0.4, 0.9)
    return _of_hue(hue, 0.9, value), _of_hue(hue + rng.uniform(0.3, 0.7), 0.9, value)


def _of_hue(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value))
    return red, green, blue
