"""Lines of drawn pages and of large pictures that the running gateway reads exactly."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.progress import track

from bench.ocr_large import LARGE
from bench.ocr_pages import DrawnPage, Paper, drawn_pages
from evaluation.figure import Figure, at_least, at_most
from evaluation.picture_files import encoded
from modelhub import ModelHub
from modelhub.present import FONT

PAGES = 48
UPRIGHT, TURNED = (0,), (90, 180, 270)


def drawn_lines(hub: ModelHub) -> Iterator[Figure]:
    """Yield the shares of lines read exactly on pages upright and turned, and in large pictures.

    Spaces do not count: between Chinese and Latin the net reads none.
    """
    paper = Paper(FONT)
    for name, turns, bar in (("upright", UPRIGHT, 0.99), ("turned", TURNED, 0.97)):
        right = lines = heads = 0
        for page in track(drawn_pages(paper, PAGES, turns), name, PAGES, transient=True):
            answer = hub.answer("ocr", encoded(page.picture, "PNG"))
            right += count_read(page, answer["detection_texts"])
            lines += len(page.lines)
            heads += sum(map(_starts_at_its_end, answer["detection_keypoints"]))
        share = right / lines
        yield at_least(f"OCR: lines of {name} pages", share, bar, f"{share:.4f} of {lines} in {PAGES} pages")
        if turns == UPRIGHT:
            yield at_most(f"OCR: lines of {name} pages read upside down", heads, 0, str(heads))
    for draw in LARGE:
        page = draw(paper)
        right = count_read(page, hub.answer("ocr", encoded(page.picture, "PNG"))["detection_texts"])
        share = right / len(page.lines)
        yield at_least(f"OCR: {page.name}", share, 0.98, f"{share:.4f} of {len(page.lines)} lines")


def count_read(page: DrawnPage, texts: Sequence[str]) -> int:
    """Return how many lines of a page are among the texts, each text taken once."""
    left = [_without_spaces(text) for text in texts]
    found = 0
    for line in map(_without_spaces, page.lines):
        if line in left:
            left.remove(line)
            found += 1
    return found


def _without_spaces(text: str) -> str:
    return "".join(text.split())


def _starts_at_its_end(corners: Sequence[Sequence[float]]) -> bool:
    """Return whether a text, corners (y, x) in order from its start, begins below and right of its end."""
    start, _, end, _ = np.array(corners)
    return bool((start > end).all())
