"""Object detection: what the net is fed with, and the choice among the boxes that it gives.

Nets differ inside (an SSD has anchors, a two-stage detector proposals) and are alike outside: float pixels of
a square in, boxes and probabilities of classes out. Sources: TensorFlow's Object Detection API as of March
2018 (`post_processing.py`) and torchvision's detection models (`transform.py`, `roi_heads.py`), which choose
alike.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.manifest import Manifest
from vision.nms import Boxes, Indices, suppress_by_class
from vision.picture import open_image
from vision.resize import resize_bilinear_exact
from vision.tensors import Infer, Picture, Tensors
from vision.tiles import CUT, LARGE, WHOLE, Found, Place, cut_off, in_turns, merged, places_in, size_of

PADDING = -1.0
"""Value of the pixels beside a padded picture; no picture has it, so that a net can tell where one ends."""


_TOUCH = 0.015
"""Share of a tile's side within which a box ends with its tile."""


class ObjectTileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which pictures are searched in tiles, too, and in which."""

    max_aspect: float
    """A picture whose longer side is more times the shorter one is."""
    aspect: float
    """Of a tile, at most: its longer side over the shorter side of the picture, which it spans."""
    shared: float
    """Share of a tile's longer side that it has in common with the next."""
    most: int
    """Tiles of one picture; they are longer where more would be needed."""
    at_once: int
    """Tiles that the net is given together."""


class ObjectDetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the net is fed, and how its makers choose among its boxes."""

    size: int
    """Side of its square input, pixels."""
    ample_side: int
    """Pixels that are enough: a side of twice as many is first reduced by a whole factor, to no fewer."""
    fit: Literal["squashed", "padded"]
    """How a picture becomes a square.

    `squashed`: both sides become `size`, as TensorFlow's `resize_bilinear` does. `padded`: the longer side
    becomes `size`, the sides' ratio is kept, and `PADDING` fills what is left at the right or the bottom, as
    torchvision's `GeneralizedRCNNTransform` does (bilinear from pixels' centres, not antialiased).
    """
    class_ids: tuple[int, ...]
    """Columns of `class_scores` that are classes, in the order of the labels; the answer's ids."""
    min_score: float
    """Only scores above this are answered."""
    max_overlap: float
    """Intersection over union from which, exceeded, the worse of two boxes of a class is dropped."""
    max_per_class: int
    """In the picture, or in one of its tiles."""
    max_detections: int
    tiles: ObjectTileSettings
    mask_threshold: float | None = None
    """Probability above which a pixel of a mask that the net itself draws belongs to the thing.

    None where it draws none.
    """


def fitted(height: int, width: int, settings: ObjectDetectionSettings) -> tuple[int, int]:
    """Return (height, width), in pixels of the net's square, of what a picture of that size becomes in it."""
    size, longer = settings.size, max(height, width)
    if settings.fit == "squashed":
        return size, size
    return max(1, height * size // longer), max(1, width * size // longer)


def to_picture(boxes: Boxes, picture_size: NDArray[np.int32], settings: ObjectDetectionSettings) -> Boxes:
    """Return boxes in sides of the net's square as boxes in pixels of the picture, clipped to it.

    Both are float32 [n, 4] of (top, left, bottom, right); `picture_size` is (height, width).
    """
    height, width = picture_size.tolist()
    shares = np.array(fitted(height, width, settings), dtype=np.float32) / np.float32(settings.size)
    sides = np.array((height, width), dtype=np.float32)
    places: Boxes = (boxes * np.tile(sides / shares, 2)).clip(0, np.tile(sides, 2))
    return places


def reduced(picture: Image.Image, ample_side: int) -> Image.Image:
    """Return `picture` averaged over blocks of pixels; no side comes below `ample_side` by it."""
    factors = (max(1, picture.width // ample_side), max(1, picture.height // ample_side))
    return picture if factors == (1, 1) else picture.reduce(factors)


def tiles_of(height: int, width: int, settings: ObjectDetectionSettings) -> list[Place]:
    """Return the tiles in which a picture of that size is searched, too; none where it is not long."""
    tiled, (shorter, longer) = settings.tiles, sorted((height, width))
    if longer <= tiled.max_aspect * shorter:
        return []
    # tiles of side s that share a part p of it: longer = s * (most - (most - 1) * p)
    least = longer / (tiled.most - (tiled.most - 1) * tiled.shared)
    side = max(1, int(np.ceil(max(shorter * tiled.aspect, least))))
    return places_in(height, width, side, int(side * tiled.shared))


def square(
    source: Picture, height: int, width: int, settings: ObjectDetectionSettings
) -> NDArray[np.float32]:
    """Return what the net reads of `source`, a picture of `height` x `width` or a reduced one."""
    size = settings.size
    if settings.fit == "squashed":
        return resize_bilinear_exact(source, size, size)
    inner = fitted(height, width, settings)
    pixels = np.full((size, size, 3), PADDING, dtype=np.float32)
    pixels[: inner[0], : inner[1]] = resize_bilinear_exact(source, *inner, centred=True)
    return pixels


class ObjectDetectionPreprocess:
    """`image` BYTES [1] to what the net reads, and the size of the picture that boxes refer to."""

    def __init__(self, net: Manifest) -> None:
        self._settings = net.typed_settings(ObjectDetectionSettings)

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` float32 RGB [size, size, 3], 0 to 255, and `picture_size` int32 [2]: height, width.

        Pixels beside a padded picture are `PADDING`. `picture` uint8 [h, w, 3] is what tiles are cut from;
        it has no pixels where there are none. Raises PictureError.
        """
        tensors = self.with_source(image)
        height, width = tensors["picture_size"].tolist()
        if not tiles_of(height, width, self._settings):
            tensors["picture"] = np.zeros((0, 0, 3), dtype=np.uint8)
        return tensors

    def with_source(self, image: NDArray[np.object_]) -> Tensors:
        """Return what a call does, with a `picture` in any case: the upright one, reduced if it is large."""
        (payload,) = image
        picture, settings = open_image(payload), self._settings
        height, width = picture.height, picture.width
        source = np.asarray(reduced(picture, settings.ample_side))
        tensors: Tensors = {
            "pixels": square(source, height, width, settings),
            "picture_size": np.array([height, width], dtype=np.int32),
            "picture": source,
        }
        if tiles_of(height, width, settings):
            factor = max(1, min(height, width) // settings.ample_side)
            tensors["picture"] = np.asarray(picture.reduce(factor))
        return tensors


class Detections(NamedTuple):
    """What one or several searches found, in pixels of the picture; [n] each, the surest first."""

    boxes: Boxes
    scores: NDArray[np.float32]
    classes: Indices
    rows: Indices
    """Rows of the net's outputs, of all searches one after another."""


class ObjectDetectionPostprocess:
    """The net's boxes and scores to the answer. Runs the net itself, by tiles of a long picture."""

    def __init__(self, net: Manifest) -> None:
        self._settings = settings = net.typed_settings(ObjectDetectionSettings)
        self._net = net.net
        self._names = dict(zip(settings.class_ids, (label.encode() for label in net.labels), strict=True))

    async def __call__(
        self,
        boxes: NDArray[np.float32],
        class_scores: NDArray[np.float32],
        picture_size: NDArray[np.int32],
        picture: Picture,
        infer: Infer,
    ) -> Tensors:
        """Return the answer for `boxes` [n, k, 4] and `class_scores` [n, columns].

        Boxes are (top, left, bottom, right) in sides of the net's square; k is 1 where all classes of a row
        share a box, else there is one for every column. Scores are probabilities. `picture` is cut into
        tiles where the picture is long.

        `detection_boxes` float32 [m, 4] in pixels of the picture whose (height, width) is `picture_size`,
        `detection_scores` float32 [m], `detection_classes` int32 [m], `detection_class_names` [m];
        in falling order of scores. m may be 0.
        """
        outputs = {"boxes": boxes, "class_scores": class_scores}
        detections, _ = await self.searched(outputs, picture_size, picture, infer)
        return self.answer(detections)

    async def searched(
        self, outputs: Tensors, picture_size: NDArray[np.int32], picture: Picture, infer: Infer
    ) -> tuple[Detections, list[Tensors]]:
        """Return what is found in the picture and its tiles, and the net's outputs of these searches."""
        whole = self.chosen(outputs["boxes"], outputs["class_scores"], picture_size)
        height, width = picture_size.tolist()
        tiles = tiles_of(height, width, self._settings)
        if not tiles:
            return whole, [outputs]

        async def search(tile: Place) -> Tensors:
            own = _scaled(tile, picture.shape[0] / height, picture.shape[1] / width)
            pixels = square(picture[own], *size_of(tile), self._settings)
            found = await infer(self._net, {"pixels": pixels[None]})
            return {name: rows[0] for name, rows in found.items()}

        found = await in_turns(search, tiles, self._settings.tiles.at_once)
        return self._together(whole, found, tiles, (height, width)), [outputs, *found]

    def _together(
        self, whole: Detections, found: Sequence[Tensors], tiles: Sequence[Place], size: tuple[int, int]
    ) -> Detections:
        """Return one of what the tiles and the whole picture of `size` show more than once.

        In the whole picture, which is squashed, that is believed which no tile can show.
        """
        shared = self._settings.tiles.shared * max(size_of(tiles[0]))
        large = (whole.boxes[:, 2:] - whole.boxes[:, :2]).max(axis=1, initial=0) > shared
        parts, ranks = [Detections(*(column[large] for column in whole))], [np.full(large.sum(), LARGE)]
        for number, (tile, outputs) in enumerate(zip(tiles, found, strict=True), 1):
            part = self.chosen(outputs["boxes"], outputs["class_scores"], np.array(size_of(tile), np.int32))
            corner = np.array([side.start for side in tile] * 2, dtype=np.float32)
            moved = part._replace(boxes=part.boxes + corner, rows=part.rows + number * len(outputs["boxes"]))
            cut = cut_off(moved.boxes, tile, *size, _TOUCH * max(size_of(tile)))
            parts.append(moved)
            ranks.append(np.where(cut, CUT, WHOLE))
        together = Detections(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        boxes, scores, classes, _ = together
        kept = merged(Found(boxes, scores, classes, np.concatenate(ranks)), self._settings.max_overlap)
        return Detections(*(column[kept[: self._settings.max_detections]] for column in together))

    def answer(self, detections: Detections) -> Tensors:
        """Return detections as the answer's tensors."""
        names = [self._names[one] for one in detections.classes.tolist()]
        return {
            "detection_boxes": detections.boxes,
            "detection_scores": detections.scores,
            "detection_classes": detections.classes.astype(np.int32),
            "detection_class_names": np.array(names, np.object_),
        }

    def chosen(
        self, boxes: NDArray[np.float32], class_scores: NDArray[np.float32], picture_size: NDArray[np.int32]
    ) -> Detections:
        """Return the detections of one search, of a picture of `picture_size`."""
        rows, classes = self._candidates(class_scores)
        scores = class_scores[rows, classes]
        own = boxes[rows, classes if boxes.shape[1] > 1 else 0]
        places = to_picture(own, picture_size, self._settings)
        kept = self._choose(places, scores, classes)
        return Detections(places[kept], scores[kept], classes[kept], rows[kept])

    def _candidates(self, class_scores: NDArray[np.float32]) -> tuple[Indices, Indices]:
        """Return rows and class ids whose score is over the least."""
        rows, columns = np.nonzero(class_scores > self._settings.min_score)
        known = np.isin(columns, self._settings.class_ids)
        return rows[known], columns[known]

    def _choose(self, boxes: Boxes, scores: NDArray[np.float32], classes: Indices) -> Indices:
        """Return which candidates are answered; those with no area in the picture are not."""
        settings = self._settings
        visible = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        kept = suppress_by_class(
            boxes[visible], scores[visible], classes[visible], settings.max_overlap, settings.max_per_class
        )
        best: Indices = visible[kept[: settings.max_detections]]
        return best


def _scaled(place: Place, down: float, across: float) -> Place:
    """Return a place in a picture reduced by these factors, of a pixel at least."""
    rows, columns = place
    return (
        slice(int(rows.start * down), max(int(rows.start * down) + 1, round(rows.stop * down))),
        slice(
            int(columns.start * across), max(int(columns.start * across) + 1, round(columns.stop * across))
        ),
    )
