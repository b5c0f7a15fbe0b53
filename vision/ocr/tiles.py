"""The second search of a large picture: in overlapping tiles, where the first one saw too little."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vision.ocr.detection import TextMap, grown_regions, sides
from vision.ocr.settings import DetectionSettings
from vision.tensors import Infer, Picture
from vision.tiles import Place, in_turns, places_in

Mask = NDArray[np.bool_]
"""[height, width]"""


async def refined(
    first: TextMap, picture: Picture, settings: DetectionSettings, net: str, infer: Infer
) -> TextMap:
    """Return the text map of a large `picture`, [H, W, 3]: `first`, or one [H, W] with what tiles show.

    Lines that the first search saw well are kept from there, so that a headline is not torn. What is round
    about other text is searched again: tiny text as it is in the picture, other text at twice the scale of
    the first search. Where tiles overlap, the surer one counts.
    """
    height, width = picture.shape[:2]
    well_seen = lines_from(settings.small_line, first, settings)
    text = first > settings.text_threshold
    places = list(tiles(text & ~well_seen, height, width, settings))
    if not places or (height <= first.shape[0] and width <= first.shape[1]):
        return first
    tiny = text & ~lines_from(settings.tiny_line, first, settings)
    twice = min(1.0, 2 * max(first.shape) / max(height, width))
    result = _resized(np.where(well_seen, first, 0), height, width).copy()
    unseen = ~np.asarray(Image.fromarray(well_seen).resize((width, height), Image.Resampling.NEAREST))

    async def search(place: Place) -> None:
        rows, columns = (_seen(part, side, settings) for part, side in zip(place, result.shape, strict=True))
        scale = 1.0 if _holds(tiny, place, result.shape) else twice
        found = await searched(picture[rows, columns], scale, settings.size_multiple, net, infer)
        counted = found[_within(place[0], rows), _within(place[1], columns)]
        np.maximum(result[place], counted, out=result[place], where=unseen[place])

    await in_turns(search, places, settings.tiles_at_once)
    return result


def lines_from(height: float, first: TextMap, settings: DetectionSettings) -> Mask:
    """Return where the first map shows lines of at least a height."""
    quads, _ = grown_regions(first, settings)
    mask = Image.new("1", (first.shape[1], first.shape[0]))
    draw = ImageDraw.Draw(mask)
    for quad in quads[sides(quads).min(axis=1) >= height]:
        draw.polygon([(float(x), float(y)) for x, y in quad], fill=1)
    return np.asarray(mask)


async def searched(tile: Picture, scale: float, multiple: int, net: str, infer: Infer) -> TextMap:
    """Return the text map of a tile, of its size, that the net finds in it at a `scale` of at most 1."""
    height, width = tile.shape[:2]
    size = math.ceil(width * scale), math.ceil(height * scale)
    pixels = np.asarray(Image.fromarray(np.ascontiguousarray(tile)).resize(size, Image.Resampling.BILINEAR))
    raised = np.pad(pixels, (*((0, -side % multiple) for side in pixels.shape[:2]), (0, 0)), mode="edge")
    found = (await infer(net, {"pixels": raised[None]}))["text_map"][0]
    return _resized(found[: size[1], : size[0]], height, width)


def _resized(text_map: TextMap, height: int, width: int) -> TextMap:
    if text_map.shape == (height, width):
        return text_map
    return np.asarray(Image.fromarray(text_map).resize((width, height), Image.Resampling.BILINEAR))


def _holds(mask: Mask, place: Place, shape: tuple[int, ...]) -> bool:
    """Return whether a mask, smaller than the map of `shape`, is set at a place of that."""
    rows, columns = (
        slice(part.start * own // side, math.ceil(part.stop * own / side))
        for part, own, side in zip(place, mask.shape, shape, strict=True)
    )
    return bool(mask[rows, columns].any())


def tiles(doubtful: Mask, height: int, width: int, settings: DetectionSettings) -> Iterator[Place]:
    """Yield places in a map of `height` x `width` that hold all of the smaller map `doubtful`.

    None is larger than `tile_side` and half a margin on either side.
    """
    down, across = doubtful.shape[0] / height, doubtful.shape[1] / width
    for rows, columns in places_in(height, width, settings.tile_side):
        top, left = int(rows.start * down), int(columns.start * across)
        part = doubtful[top : math.ceil(rows.stop * down), left : math.ceil(columns.stop * across)]
        if part.any():
            yield (
                _stretch(part.any(axis=1), top, down, height, settings),
                _stretch(part.any(axis=0), left, across, width, settings),
            )


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
