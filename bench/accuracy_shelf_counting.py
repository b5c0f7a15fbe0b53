"""Products found, counted and named on drawn shelves that no training saw: `make accuracy`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image
from rich.progress import track

from evaluation.figure import Figure, at_most
from evaluation.picture_files import encoded
from evaluation.shelves.renderer import FIRST_EVALUATION_SEED, render_shelf
from evaluation.shelves.tally import SHELVES, Tally, figures, shelf_file, tally
from modelhub import ModelHub

CLIENTS = 2
LARGE = ((1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 1), (3, 1))
"""Shelves stacked and abreast in one picture."""
WORST_LARGE_ERROR = 0.05
CROWDED = FIRST_EVALUATION_SEED + 909
"""A shelf of 301 drinks, the sample of the demo."""


def products(hub: ModelHub) -> Iterator[Figure]:
    """Yield the share of products found, the mean count error of a shelf, and the share named rightly."""
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + SHELVES)
    with ThreadPoolExecutor(CLIENTS) as pool:
        tallies = pool.map(lambda seed: counted(hub, seed), seeds)
        yield from figures(list(track(tallies, "shelves", len(seeds), transient=True)))
    yield large_shelves(hub)


def large_shelves(hub: ModelHub) -> Figure:
    """Return the worst count error of a crowded shelf repeated side by side and one above the other."""
    shelf = render_shelf(CROWDED)
    errors = []
    for stacked, abreast in track(LARGE, "large shelves", transient=True):
        picture = np.tile(shelf.picture, (stacked, abreast, 1))
        found = hub.answer("shelf_counting", encoded(Image.fromarray(picture), "PNG", compress_level=1))
        there = len(shelf.boxes) * stacked * abreast
        errors.append(abs(len(found["detection_boxes"]) - there) / there)
    name = "shelf: worst count error, 2 to 6 shelves abreast, 2 and 3 stacked"
    return at_most(name, max(errors), WORST_LARGE_ERROR, f"{max(errors):.4f}")


def counted(hub: ModelHub, seed: int) -> Tally:
    """Return how the answer for one shelf, sent as PNG, compares with what was drawn."""
    shelf = render_shelf(seed)
    answer = hub.answer("shelf_counting", shelf_file(shelf))
    boxes = np.array(answer["detection_boxes"], dtype=np.float32).reshape(-1, 4)
    classes = np.array(answer["detection_classes"], dtype=np.int64)
    return tally({"detection_boxes": boxes, "detection_classes": classes}, shelf)
