"""The second search of a large picture: in overlapping tiles, where the first one saw too little."""

import asyncio
import math
from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vision.ocr.detection import TextMap, grown_regions, sides
from vision.ocr.settings import DetectionSettings
from vision.tensors import Infer, Picture

Mask = NDArray[np.bool_]
"""[height, width]"""

Place = tuple[slice, slice]
"""Rows and columns."""


async def refined(
    first: TextMap, picture: Picture, settings: DetectionSettings, net: str, infer: Infer
) -> TextMap:
    """Return the text map of a large `picture`, [H, W, 3]: `first`, or one [H, W] with what tiles show.

    Lines that the first search saw well are kept from there, so that a headline is not torn. What is round
    about other text is searched again. Where tiles overlap, the surer one counts.
    """
    height, width = picture.shape[:2]
    well_seen, doubtful = judged(first, settings)
    places = list(tiles(doubtful, height, width, settings))
    if not places or (height <= first.shape[0] and width <= first.shape[1]):
        return first
    kept = Image.fromarray(np.where(well_seen, first, 0))
    result = np.asarray(kept.resize((width, height), Image.Resampling.BILINEAR)).copy()
    unseen = ~np.asarray(Image.fromarray(well_seen).resize((width, height), Image.Resampling.NEAREST))

    async def search(place: Place) -> None:
        rows, columns = (_seen(part, side, settings) for part, side in zip(place, result.shape, strict=True))
        pixels = raised(picture[rows, columns], settings.size_multiple)
        found = (await infer(net, {"pixels": pixels[None]}))["text_map"][0]
        counted = found[_within(place[0], rows), _within(place[1], columns)]
        np.maximum(result[place], counted, out=result[place], where=unseen[place])

    for start in range(0, len(places), settings.tiles_at_once):
        await asyncio.gather(*map(search, places[start : start + settings.tiles_at_once]))
    return result


def judged(first: TextMap, settings: DetectionSettings) -> tuple[Mask, Mask]:
    """Return where the first map shows lines well, and where it shows text that is in no such line."""
    quads, _ = grown_regions(first, settings)
    well_seen = Image.new("1", (first.shape[1], first.shape[0]))
    draw = ImageDraw.Draw(well_seen)
    for quad in quads[sides(quads).min(axis=1) >= settings.small_line]:
        draw.polygon([(float(x), float(y)) for x, y in quad], fill=1)
    mask = np.asarray(well_seen)
    return mask, (first > settings.text_threshold) & ~mask


def tiles(doubtful: Mask, height: int, width: int, settings: DetectionSettings) -> Iterator[Place]:
    """Yield places in a map of `height` x `width` that hold all of the smaller map `doubtful`.

    None is larger than `tile_side` and half a margin on either side.
    """
    down, across = doubtful.shape[0] / height, doubtful.shape[1] / width
    for rows, columns in product(_parts(height, settings.tile_side), _parts(width, settings.tile_side)):
        top, left = int(rows.start * down), int(columns.start * across)
        part = doubtful[top : math.ceil(rows.stop * down), left : math.ceil(columns.stop * across)]
        if part.any():
            yield (
                _stretch(part.any(axis=1), top, down, height, settings),
                _stretch(part.any(axis=0), left, across, width, settings),
            )


def _parts(length: int, most: int) -> list[slice]:
    count = math.ceil(length / most)
    return [slice(length * index // count, length * (index + 1) // count) for index in range(count)]


def _stretch(
    marked: NDArray[np.bool_], start: int, scale: float, side: int, settings: DetectionSettings
) -> slice:
    """Return from the first to the last mark, of a map `scale` as large, and half a margin beside them."""
    (marks,) = np.nonzero(marked)
    beside = settings.tile_margin // 2
    first, last = (start + marks[0]) / scale, (start + marks[-1] + 1) / scale
    return slice(max(0, int(first) - beside), min(side, math.ceil(last) + beside))


def _seen(part: slice, side: int, settings: DetectionSettings) -> slice:
    """Return a stretch with the margin that the net sees beside it."""
    return slice(max(0, part.start - settings.tile_margin), min(side, part.stop + settings.tile_margin))


def _within(part: slice, whole: slice) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)


def raised(tile: Picture, multiple: int) -> Picture:
    """Return a tile with its sides raised to multiples by repeating the outermost pixels."""
    return np.pad(tile, (*((0, -side % multiple) for side in tile.shape[:2]), (0, 0)), mode="edge")
