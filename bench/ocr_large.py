"""Large pictures with lines that are known, and what to read them costs: `python -m bench.ocr_large`.

The cost is processor time of the bare pipeline, over that of the same lines on pages of ordinary size.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console

from bench.ocr_pages import DrawnPage, Paper, words
from evaluation.figure import Figure, at_least, at_most, table
from evaluation.picture_files import encoded
from evaluation.pipelines import PIPELINES, Pipeline
from modelhub.present import FONT

MAX_RATIO, LEAST_READ = 1.3, 0.98
WIDTH = 120

_SCREEN = (1080, 2000)
_A4 = (1240, 1754)


def screenshot(paper: Paper) -> DrawnPage:
    """Return a screenshot of 1080 x 20000 pixels, its lines of 24 pixels 90 apart."""
    return _page("screenshot of 1080 x 20000", (_SCREEN[0], 20_000), _phrases(paper, 220), 24)


def scan_300(paper: Paper) -> DrawnPage:
    """Return a page of A4 at 300 dpi."""
    return _page("A4 at 300 dpi", (2 * _A4[0], 2 * _A4[1]), _phrases(paper, 36), 50)


def scan_600(paper: Paper) -> DrawnPage:
    """Return a page of A4 at 600 dpi."""
    return _page("A4 at 600 dpi", (4 * _A4[0], 4 * _A4[1]), _phrases(paper, 36), 100)


def long_line(paper: Paper) -> DrawnPage:
    """Return a line of a thousand letters."""
    line = " ".join(_phrases(paper, 28))
    return _page("line of 1000 letters", (12_000, 70), [line], 18)


LARGE: tuple[Callable[[Paper], DrawnPage], ...] = (screenshot, scan_300, scan_600, long_line)


def _phrases(paper: Paper, count: int) -> list[str]:
    rng = np.random.default_rng([paper.seed, count])
    return [words("english", rng, 6) for _ in range(count)]


def _page(name: str, sides: tuple[int, int], lines: Sequence[str], size: int) -> DrawnPage:
    """Return lines of `size` pixels, spread over a page of width and height `sides`."""
    picture = Image.new("RGB", sides, "white")
    font, draw = ImageFont.truetype(FONT, size), ImageDraw.Draw(picture)
    step = (sides[1] - 2 * size) // len(lines)
    for index, line in enumerate(lines):
        draw.text((2 * size, size + index * step), line, font=font, fill="black")
    return DrawnPage(name, picture, tuple(lines), 0)


def ordinary(page: DrawnPage) -> Iterator[DrawnPage]:
    """Yield pages of ordinary size with the words of a large one."""
    lines = list(page.lines)
    if len(lines) == 1:
        parts = lines[0].split()
        lines = [" ".join(parts[start : start + 6]) for start in range(0, len(parts), 6)]
    sides, on_one = (_SCREEN, 22) if page.picture.width == _SCREEN[0] else (_A4, 36)
    for start in range(0, len(lines), on_one):
        yield _page(page.name, sides, lines[start : start + on_one], 25)


def _read(pipeline: Pipeline, page: DrawnPage) -> tuple[list[str], float]:
    """Return the texts of a page, and the seconds of processor time that they took."""
    file = encoded(page.picture, "PNG")
    start = time.process_time()
    texts = pipeline(file)["detection_texts"]
    return [text.decode() for text in texts], time.process_time() - start


def figures(draw: Callable[[Paper], DrawnPage], pipeline: Pipeline) -> Iterator[Figure]:
    """Yield what is read of a large picture, by letters, and what that costs."""
    page = draw(Paper(FONT))
    texts, seconds = _read(pipeline, page)
    right = sum(len(line) for line in page.lines if line in texts)
    letters = sum(map(len, page.lines))
    share = right / letters
    yield at_least(
        f"{page.name}: letters in lines read exactly", share, LEAST_READ, f"{share:.4f} of {letters}"
    )
    usual = sum(_read(pipeline, one)[1] for one in ordinary(page))
    message = f"{seconds / usual:.2f}: {seconds:.1f} s, {usual:.1f} s"
    yield at_most(f"{page.name}: time over ordinary pages'", seconds / usual, MAX_RATIO, message)


def main() -> None:
    """Measure all large pictures, or those that are named; status 1 if a bar is missed."""
    chosen = [draw for draw in LARGE if draw.__name__ in sys.argv[1:] or not sys.argv[1:]]
    pipeline = PIPELINES["ocr"]()
    pipeline(encoded(Image.new("RGB", (64, 64)), "PNG"))
    found = [figure for draw in chosen for figure in figures(draw, pipeline)]
    Console(width=WIDTH).print(table(found))
    sys.exit(any(figure.reached is False for figure in found))


if __name__ == "__main__":
    main()
