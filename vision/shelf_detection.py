"""Products of a shelf in a YOLOv5's candidates; where they are too small, in those of overlapping tiles, too.

Source: YOLOv5 7.0 for the meaning of a candidate and the choice among them (`detect.py` with
`--agnostic-nms`).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.letterbox import Letterbox, letterbox
from vision.manifest import Manifest
from vision.nms import Boxes, suppress
from vision.tensors import Infer, Picture
from vision.tiles import CUT, LARGE, WHOLE, Found, Place, cut_off, in_turns, merged, places_in, size_of

_TOUCH = 2.0
"""Pixels of the square within which a box ends with its tile."""
_FINER = 1.2
"""A search that is finer by less finds nothing new."""
_LARGER = 1.1
"""By which tiles grow until they are few enough."""
_ASPECT = 4 / 3
"""A tile's side over the shorter side of a long picture: a usual photo is as long."""
_AMPLE = 1.5
"""Pixels of the picture in one of the square from which on a closer look may show more."""


class ShelfTileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which pictures are searched in tiles, and in which. Sizes are in pixels of the square."""

    max_aspect: float
    """A picture whose longer side is more times the shorter one is."""
    small_product: float
    """So is one where the median of the products' shorter sides is below this."""
    small_in_tiles: float
    """The same of a tile, which is searched in smaller ones then."""
    usual_product: float
    """What that median is to be in the tiles."""
    few_cover: float
    """Where products cover less than this share of a large picture, its middle is looked at closer."""
    shared: float
    """Share of a tile's side that it has in common with the next."""
    most: int
    """Tiles of one picture; they are larger where more would be needed."""
    at_once: int
    """Tiles that the net is given together."""


class ShelfDetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the detector is fed, and which of its candidates are products."""

    size: int
    """Side of its square input, pixels."""
    padding: int
    """Grey level around the picture."""
    min_score: float
    """Only candidates whose objectness times class score is above this count."""
    max_overlap: float
    """Intersection over union from which, exceeded, the worse of two boxes is dropped."""
    max_detections: int
    """In the picture, or in one of its tiles."""
    tiles: ShelfTileSettings


class Look(NamedTuple):
    """What one search found: of the whole picture or of a tile."""

    place: Place
    boxes: Boxes
    """In pixels of the picture."""
    scores: NDArray[np.float32]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return size_of(self.place)

    @property
    def side(self) -> int:
        """Pixels of the picture along the detector's square."""
        return max(self.size)

    @property
    def box_sizes(self) -> NDArray[np.float32]:
        """Heights and widths, [n, 2]."""
        return self.boxes[:, 2:] - self.boxes[:, :2]


def candidate_boxes(candidates: NDArray[np.float32]) -> Boxes:
    """Return (top, left, bottom, right), float32 [n, 4], of `candidates` [n, 4 or more]: cx, cy, w, h."""
    centres, halves = candidates[:, 1::-1], candidates[:, 3:1:-1] / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)


class ShelfDetection:
    """Finds the products of a picture."""

    def __init__(self, net: Manifest) -> None:
        self._settings, self._net = net.typed_settings(ShelfDetectionSettings), net.net
        self._tiled = self._settings.tiles

    async def __call__(
        self, candidates: NDArray[np.float32], picture: Picture, geometry: Letterbox, infer: Infer
    ) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes [n, 4] in pixels of `picture` [H, W, 3], and their scores.

        `candidates` [m, 5 + classes] are those of the whole picture: cx, cy, width, height in pixels of the
        letterbox, objectness, and the detector's class scores.
        """
        height, width = picture.shape[:2]
        everywhere = (slice(0, height), slice(0, width))
        whole = Look(everywhere, *self._choose(candidates, geometry, height, width))
        wanted = [(whole, await self._first_side(whole, picture, infer))]
        fine: list[Look] = []
        coarse: list[Look] = []
        while wanted:
            tiles = self._tiles(wanted, self._tiled.most - len(fine) - len(coarse))
            for (look, _), own in zip(wanted, tiles, strict=True):
                (coarse if own else fine).append(look)
            looks = await self._looks(picture, [tile for own in tiles for tile in own], infer)
            wanted = [(look, self._side(look, self._tiled.small_in_tiles)) for look in looks]
        return self._together(fine, coarse, height, width) if coarse else (whole.boxes, whole.scores)

    async def _first_side(self, whole: Look, picture: Picture, infer: Infer) -> float:
        """Return the side of the first tiles; that of the picture where it needs none."""
        settings, shorter = self._tiled, min(whole.size)
        if whole.side > settings.max_aspect * shorter:
            return max(self._settings.size / 2, shorter * _ASPECT)
        side = self._side(whole, settings.small_product)
        cover = whole.box_sizes.prod(axis=1).sum() / np.prod(whole.size)
        if side < whole.side or cover > settings.few_cover:
            return side
        for middle in _middles(whole.size, self._settings.size):
            (look,) = await self._looks(picture, [middle], infer)
            if len(look.boxes) and self._usual_size(look, whole.side) < settings.small_product:
                return min(look.side, self._side(look, settings.small_in_tiles))
        return whole.side

    def _side(self, look: Look, least: float) -> float:
        """Return the side of tiles that show products in their usual size; the look's own where it does."""
        if not len(look.boxes) or (usual := self._usual_size(look, look.side)) >= least:
            return look.side
        return max(self._settings.size / 2, look.side * usual / self._tiled.usual_product)

    def _usual_size(self, look: Look, side: int) -> float:
        """Return the median of the boxes' shorter sides, where the square shows `side` pixels."""
        return float(np.median(look.box_sizes.min(axis=1))) * self._settings.size / side

    def _tiles(self, wanted: Sequence[tuple[Look, float]], most: int) -> list[list[Place]]:
        """Return the tiles of each look, of the wanted side; of a larger one where they are too many."""
        larger = 1.0
        while True:
            tiles = [self._parts(look, side * larger) for look, side in wanted]
            if sum(map(len, tiles)) <= most:
                return tiles
            larger *= _LARGER

    def _parts(self, look: Look, side: float) -> list[Place]:
        """Return the tiles of a look; none if they would be hardly finer."""
        if side * _FINER > look.side:
            return []
        (top, left), shared = (part.start for part in look.place), round(side * self._tiled.shared)
        return [
            (slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop))
            for rows, columns in places_in(*look.size, round(side), shared)
        ]

    async def _looks(self, picture: Picture, tiles: Sequence[Place], infer: Infer) -> list[Look]:
        async def look(tile: Place) -> Look:
            part = Image.fromarray(np.ascontiguousarray(picture[tile]))
            pixels, geometry = letterbox(part, self._settings.size, self._settings.padding)
            candidates = (await infer(self._net, {"pixels": pixels[None]}))["candidates"][0]
            boxes, scores = self._choose(candidates, geometry, part.height, part.width)
            return Look(tile, boxes + np.array([part.start for part in tile] * 2, np.float32), scores)

        return await in_turns(look, tiles, self._tiled.at_once)

    def _together(
        self, fine: Sequence[Look], coarse: Sequence[Look], height: int, width: int
    ) -> tuple[Boxes, NDArray[np.float32]]:
        """Return what all looks found: the fine ones count, and elsewhere what they could not see whole."""
        shared = min(look.side for look in fine) * self._tiled.shared
        looks = [*fine, *(_large(look, shared) for look in coarse)]
        ranks = [WHOLE] * len(fine) + [LARGE] * len(coarse)
        reach = _TOUCH / self._settings.size
        found = Found(
            np.concatenate([look.boxes for look in looks]),
            np.concatenate([look.scores for look in looks]),
            np.zeros(sum(len(look.boxes) for look in looks), dtype=np.intp),
            np.concatenate(
                [
                    np.where(cut_off(look.boxes, look.place, height, width, reach * look.side), CUT, rank)
                    for look, rank in zip(looks, ranks, strict=True)
                ]
            ),
        )
        kept = merged(found, self._settings.max_overlap)
        return found.boxes[kept], found.scores[kept]

    def _choose(
        self, candidates: NDArray[np.float32], place: Letterbox, height: int, width: int
    ) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes in a picture of `height` x `width` and scores of products, in falling order."""
        settings = self._settings
        scores = candidates[:, 4] * candidates[:, 5:].max(axis=1)
        likely = np.flatnonzero(scores > settings.min_score)
        boxes, scores = candidate_boxes(candidates[likely]), scores[likely]
        kept = suppress(boxes, scores, settings.max_overlap, settings.max_detections)
        boxes, scores = place.to_picture(boxes[kept], height, width), scores[kept]
        visible = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        return boxes[visible], scores[visible]


def _large(look: Look, side: float) -> Look:
    """Return the look without the boxes whose longer side is at most `side`."""
    large = look.box_sizes.max(axis=1, initial=0) > side
    return Look(look.place, look.boxes[large], look.scores[large])


def _middles(size: tuple[int, int], least: int) -> Iterator[Place]:
    """Yield the middle of a picture of `size`, (height, width), at twice the scale, four times and so on.

    A square of `least` pixels shows all that there is to see.
    """
    side = max(size) // 2
    while side >= least * _AMPLE:
        rows, columns = (slice(max(0, (one - side) // 2), min(one, (one + side) // 2)) for one in size)
        yield rows, columns
        side //= 2
