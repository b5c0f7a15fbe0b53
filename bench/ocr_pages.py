"""Drawn pages whose lines are known: prose, tables, forms, receipts; English, Chinese, mixed; turned.

Everything follows from the seed. Nothing is stored here, and the fonts are those that the machine has.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.ocr_pictures import CHINESE, MIXED

ENGLISH_WORDS = """
    apple river stone cloud paper green table seven light music water glass house chair plant bread phone
    radio train clock good dodo pond loop pool book door poor body pop nod dog mountain system number
    between important children country another thought question without picture against company
"""
"""Among them words whose turned shape is a word, too."""

FONTS = (
    "dejavu/DejaVuSans.ttf",
    "dejavu/DejaVuSerif.ttf",
    "dejavu/DejaVuSansMono.ttf",
    "liberation/LiberationSans-Regular.ttf",
    "liberation/LiberationSerif-Regular.ttf",
)
"""Latin fonts of Debian's `fonts-dejavu` and `fonts-liberation`; the sixth is the one with Chinese."""
FONT_FOLDER = Path("/usr/share/fonts/truetype")

KINDS = ("prose", "table", "form", "receipt")
LOOKS = ("clean", "bilevel", "noisy")
LANGUAGES = ("english", "chinese", "mixed")

Placed = tuple[int, int, str]
"""Left, top and text of one line, pixels."""


@dataclass(frozen=True)
class Paper:
    """Which pages are drawn."""

    chinese: Path
    """A font with Latin and Chinese."""
    seed: int = 15
    width: int = 900
    height: int = 700


@dataclass(frozen=True)
class DrawnPage:
    """A page and the lines on it."""

    name: str
    picture: Image.Image
    lines: tuple[str, ...]
    turned: int
    """Degrees, against the clock."""


def drawn_pages(paper: Paper, count: int, turns: Sequence[int]) -> Iterator[DrawnPage]:
    """Yield `count` pages of every kind and look, turned by each of `turns` in turn."""
    latin = [path for name in FONTS if (path := FONT_FOLDER / name).is_file()]
    for index in range(count):
        rng = np.random.default_rng([paper.seed, index])
        kind, look = KINDS[index % len(KINDS)], LOOKS[index // len(KINDS) % len(LOOKS)]
        language = str(rng.choice(LANGUAGES, p=[0.6, 0.2, 0.2]))
        fonts = [*latin, paper.chinese] if language == "english" else [paper.chinese]
        path = fonts[int(rng.integers(len(fonts)))]
        size, turn = int(rng.integers(10, 41)), turns[index % len(turns)]
        font = ImageFont.truetype(path, size)
        picture = Image.new("L", (paper.width, paper.height), "white")
        placed = _placed(kind, language, font, picture, rng)
        for left, top, text in placed:
            ImageDraw.Draw(picture).text((left, top), text, font=font, fill="black")
        looked = _looked(picture, look, rng).rotate(turn, expand=True)
        name = f"{index:03} {kind} {language} {path.stem} {size} {look} {turn}"
        yield DrawnPage(name, looked.convert("RGB"), tuple(text for *_, text in placed), turn)


def words(language: str, rng: np.random.Generator, count: int) -> str:
    """Return a phrase of English words, a Chinese one, or one of both."""
    if language == "english":
        return " ".join(rng.choice(ENGLISH_WORDS.split(), count))
    return str(rng.choice(CHINESE if language == "chinese" else MIXED))


def _placed(
    kind: str, language: str, font: ImageFont.FreeTypeFont, picture: Image.Image, rng: np.random.Generator
) -> list[Placed]:
    step, margin = int(font.size * 1.8), 30
    tops = range(margin, picture.height - margin - step, step)
    if kind == "prose":
        rows = [[(margin, 0)] for _ in tops]
    elif kind == "table":
        column = max(int(font.size * 8), (picture.width - 2 * margin) // 5)
        rows = [[(left, 1) for left in range(margin, picture.width - column, column)] for _ in tops]
        _rule(picture, range(margin, picture.width, column), tops, step)
    elif kind == "form":
        rows = [[(margin, 1), (margin + int(font.size * 9), 3)] for _ in tops]
        _rule(picture, [margin + int(font.size * 8.5)], tops, step)
    else:
        rows = [[(margin, 2), (picture.width - margin - int(font.size * 5), -1)] for _ in tops]
    return [
        (left, top, text)
        for top, row in zip(tops, rows, strict=True)
        for left, count in row
        if left + font.getlength(text := _text(count, language, font, picture.width, rng))
        < picture.width - 10
    ]


def _text(
    count: int, language: str, font: ImageFont.FreeTypeFont, width: int, rng: np.random.Generator
) -> str:
    """Return `count` words; for 0 as many as fill most of a line, for -1 a price."""
    if count < 0:
        return f"{rng.uniform(1, 1000):.2f}"
    if count == 1 and language != "english":
        return str(rng.choice(CHINESE))[: int(rng.integers(2, 7))]
    if count or language != "english":
        return words(language, rng, count or 1)
    line = words(language, rng, 16)
    while font.getlength(line) > width - 70:
        line = line.rsplit(" ", 1)[0]
    return line


def _rule(picture: Image.Image, columns: Sequence[int], tops: Sequence[int], step: int) -> None:
    """Draw the lines of a table, between its rows and columns."""
    draw = ImageDraw.Draw(picture)
    for top in tops:
        draw.line([(20, top - step // 6), (picture.width - 20, top - step // 6)], fill=120)
    for left in columns:
        draw.line([(left - 8, tops[0] - step // 6), (left - 8, tops[-1] + step)], fill=120)


def _looked(picture: Image.Image, look: str, rng: np.random.Generator) -> Image.Image:
    if look == "bilevel":
        return picture.point(lambda grey: 255 * (grey > 150)).convert("1").convert("L")
    if look == "noisy":
        grain = rng.normal(0, 14, (picture.height, picture.width))
        return Image.fromarray((np.asarray(picture) * 0.8 + 30 + grain).clip(0, 255).astype(np.uint8))
    return picture
