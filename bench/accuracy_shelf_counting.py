"""Products found, counted and named on drawn shelves that no training saw: `make accuracy`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from rich.progress import track

from evaluation.figure import Figure
from evaluation.shelves.renderer import FIRST_EVALUATION_SEED, render_shelf
from evaluation.shelves.tally import SHELVES, Tally, figures, shelf_file, tally
from modelhub import ModelHub

CLIENTS = 2


def products(hub: ModelHub) -> Iterator[Figure]:
    """Yield the share of products found, the mean count error of a shelf, and the share named rightly."""
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + SHELVES)
    with ThreadPoolExecutor(CLIENTS) as pool:
        tallies = pool.map(lambda seed: counted(hub, seed), seeds)
        yield from figures(list(track(tallies, "shelves", len(seeds), transient=True)))


def counted(hub: ModelHub, seed: int) -> Tally:
    """Return how the answer for one shelf, sent as PNG, compares with what was drawn."""
    shelf = render_shelf(seed)
    answer = hub.answer("shelf_counting", shelf_file(shelf))
    boxes = np.array(answer["detection_boxes"], dtype=np.float32).reshape(-1, 4)
    classes = np.array(answer["detection_classes"], dtype=np.int64)
    return tally({"detection_boxes": boxes, "detection_classes": classes}, shelf)
