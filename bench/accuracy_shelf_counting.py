"""Products found, counted and named on drawn shelves that no training saw: `make accuracy`."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image
from rich.progress import track

from bench.figure import Figure
from client.http import ModelHub
from training.shelf.evaluate import (
    LEAST_ACCURACY,
    LEAST_RECALL,
    SHELVES,
    WORST_COUNT_ERROR,
    Tally,
    figures,
    tally,
)
from training.shelf.renderer import FIRST_EVALUATION_SEED, render_shelf

CLIENTS = 2


def products(hub: ModelHub) -> Iterator[Figure]:
    """Yield the share of products found, the mean count error of a shelf, and the share named rightly."""
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + SHELVES)
    with ThreadPoolExecutor(CLIENTS) as pool:
        tallies = pool.map(lambda seed: counted(hub, seed), seeds)
        recall, error, accuracy = figures(list(track(tallies, "shelves", len(seeds), transient=True)))
    yield _figure("products found at IoU 0.5", recall, LEAST_RECALL, at_least=True)
    yield _figure("count error of a shelf", error, WORST_COUNT_ERROR, at_least=False)
    yield _figure("products named rightly", accuracy, LEAST_ACCURACY, at_least=True)


def counted(hub: ModelHub, seed: int) -> Tally:
    """Return how the answer for one shelf, sent as PNG, compares with what was drawn."""
    shelf, file = render_shelf(seed), io.BytesIO()
    Image.fromarray(shelf.picture).save(file, "PNG", compress_level=1)
    answer = hub.predict("shelf_counting", file.getvalue())
    boxes = np.array(answer["detection_boxes"], dtype=np.float32).reshape(-1, 4)
    classes = np.array(answer["detection_classes"], dtype=np.int64)
    return tally({"detection_boxes": boxes, "detection_classes": classes}, shelf)


def _figure(name: str, value: float, bar: float, *, at_least: bool) -> Figure:
    reached = value >= bar if at_least else value <= bar
    return Figure(
        f"shelf: {name}, {SHELVES} shelves",
        f"{value:.4f}",
        f"at {'least' if at_least else 'most'} {bar}",
        reached,
    )
