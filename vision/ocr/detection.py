"""After the detector: its text map to boxes round lines (DB post-processing; Liao et al., 2020)."""

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from vision.ocr.settings import DetectionSettings

TextMap = NDArray[np.float32]
"""Probability of text, float32 [height, width]."""

Quads = NDArray[np.float32]
"""Four corners each, float32 [n, 4, 2] of (x, y)."""

_POLYGON = 3  # shapely's type id
_ARC_TOLERANCE = 0.25  # pixels between a round join and its chords, as in Clipper
_LINE_PART = 0.4  # of a line's height: tops of lines on one row differ less
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.uint8)


class Boxes(NamedTuple):
    """Boxes round lines, in reading order."""

    corners: Quads
    """[n, 4, 2], whole pixels of the working picture: top left, top right, bottom right, bottom left."""
    scores: NDArray[np.float32]
    """[n], mean of the text map inside the region's rectangle."""


def find_boxes(text_map: TextMap, height: int, width: int, settings: DetectionSettings) -> Boxes:
    """Return the boxes in a working picture of `height` x `width` pixels from its text map, [h, w]."""
    grown, scores = grown_regions(text_map, settings)
    scale = np.array([width, height]) / text_map.shape[::-1]
    corners = clockwise((grown * scale).round()).clip(0, (width - 1, height - 1)).astype(np.float32)
    large = (sides(grown).min(axis=1) >= settings.min_box_side) & (
        sides(corners).min(axis=1) >= settings.min_line_side
    )
    corners, scores = corners[large], scores[large]
    order = reading_order(corners, _row_gap(corners, max(height, width), settings))
    return Boxes(corners[order], scores[order])


def _row_gap(corners: Quads, longer_side: int, settings: DetectionSettings) -> float:
    """Return which difference of tops parts two rows; in a large picture it grows with the lines."""
    if longer_side <= settings.working_max_side or not len(corners):
        return settings.row_gap
    return max(settings.row_gap, _LINE_PART * float(np.median(sides(corners).min(axis=1))))


def grown_regions(text_map: TextMap, settings: DetectionSettings) -> tuple[Quads, NDArray[np.float32]]:
    """Return the rectangles round lines in the text map itself, clockwise, and their scores."""
    quads = region_rectangles(dilate(text_map > settings.text_threshold), settings.max_regions)
    quads = quads[sides(quads).min(axis=1) >= settings.min_region_side]
    scores = mean_inside(text_map, quads)
    quads, scores = quads[scores >= settings.box_threshold], scores[scores >= settings.box_threshold]
    return unclip(quads, settings.unclip_ratio), scores


def dilate(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask that spreads one pixel right and down, which joins characters of one line."""
    spread = mask.copy()
    spread[1:] |= mask[:-1]
    spread[:, 1:] |= spread[:, :-1]
    return spread


def region_rectangles(mask: NDArray[np.bool_], most: int) -> Quads:
    """Return the smallest rectangle round the pixel centres of each connected region, clockwise.

    Beyond `most` regions only the largest count. Regions whose pixels lie on one line have no rectangle.
    """
    return smallest_rectangles(*_row_ends(mask, most))


def smallest_rectangles(points: NDArray[np.float64], owner: NDArray[np.intp]) -> Quads:
    """Return the rectangle of least area round each owner's `points` [n, 2]; `owner` [n] is sorted."""
    rectangles = np.asarray(shapely.oriented_envelope(shapely.multipoints(points, indices=owner)))
    rectangles = rectangles[shapely.get_type_id(rectangles) == _POLYGON]
    corners = shapely.get_coordinates(rectangles).reshape(-1, 5, 2)[:, :4]
    return clockwise(corners.astype(np.float32))


def _row_ends(mask: NDArray[np.bool_], most: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the ends of every run of pixels in a row, [2 * runs, 2] of (x, y), and the region of each.

    They have the same hull as all the pixels of the region. They are sorted by region.
    """
    labels, count = ndimage.label(mask, structure=_EIGHT_NEIGHBOURS)
    if count > most:
        labels = _largest(labels, most)
    y, x = np.nonzero(labels)
    breaks = (np.diff(y) != 0) | (np.diff(x) != 1)
    first, last = np.append(True, breaks)[: len(x)], np.append(breaks, True)[: len(x)]
    ends = np.concatenate([np.flatnonzero(first), np.flatnonzero(last)])
    region = labels[y[ends], x[ends]]
    order = np.argsort(region, kind="stable")
    _, owner = np.unique(region[order], return_inverse=True)
    return np.stack([x[ends], y[ends]], axis=1)[order].astype(np.float64), owner


def _largest(labels: NDArray[np.int32], most: int) -> NDArray[np.int32]:
    """Return labels with all but the `most` largest regions set to 0."""
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept = np.zeros(len(sizes), dtype=bool)
    kept[np.argsort(-sizes, kind="stable")[:most]] = True
    return np.where(kept[labels], labels, 0)


def sides(quads: Quads) -> NDArray[np.float32]:
    """Return the lengths of a quad's first and last side, float32 [n, 2]; clockwise: width, height."""
    return np.stack([_length(quads[:, 0] - quads[:, 1]), _length(quads[:, 0] - quads[:, 3])], axis=1)


def _length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.hypot(vectors[..., 0], vectors[..., 1])


def mean_inside(text_map: NDArray[np.float32], quads: Quads) -> NDArray[np.float32]:
    """Return the mean of the text map inside each quad, its outline included, float32 [n]."""
    return np.array([_mean_inside(text_map, quad) for quad in quads], dtype=np.float32)


def _mean_inside(text_map: NDArray[np.float32], quad: NDArray[np.float32]) -> float:
    limit = (text_map.shape[1] - 1, text_map.shape[0] - 1)
    left, top = np.floor(quad.min(axis=0)).clip(0, limit).astype(int)
    right, bottom = np.ceil(quad.max(axis=0)).clip(0, limit).astype(int)
    inside = Image.new("1", (right - left + 1, bottom - top + 1))
    corners = [(x, y) for x, y in (quad - (left, top)).astype(int).tolist()]
    draw = ImageDraw.Draw(inside)
    draw.polygon(corners, fill=1)
    draw.line([*corners, corners[0]], fill=1)  # the polygon alone leaves out parts of slanted edges
    return float(text_map[top : bottom + 1, left : right + 1][np.asarray(inside)].mean())


def unclip(quads: Quads, ratio: float) -> Quads:
    """Return clockwise rectangles moved outwards by area * ratio / perimeter on every side.

    What is read depends on the last pixel of a crop, so this follows the source's route over whole numbers:
    corners are cut to integers, offset with round joins whose points are rounded, and given their smallest
    rectangle again (Clipper 6, `ClipperOffset::DoRound`).
    """
    width, height = sides(quads).T
    distance = (width * height * ratio / (2 * (width + height))).astype(np.float64)
    corners = np.trunc(quads).astype(np.float64)
    edges = np.roll(corners, -1, axis=1) - corners
    normals = np.stack([edges[..., 1], -edges[..., 0]], axis=-1) / _length(edges)[..., None]
    joins = _round_joins(normals, distance) * distance[:, None, None, None] + corners[:, :, None]
    points = np.floor(joins + 0.5).reshape(-1, 2)
    return smallest_rectangles(points, np.repeat(np.arange(len(quads)), joins.shape[1] * joins.shape[2]))


def _round_joins(normals: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors that fan out at each corner, [n, 4, points, 2], from one edge's normal to the next.

    `normals` [n, 4, 2] belong to the edge that starts at each corner. Points may repeat.
    """
    before = np.roll(normals, 1, axis=1)
    turn = np.arctan2(_cross(before, normals), (before * normals).sum(axis=-1))
    step = 2 * np.arccos(1 - np.minimum(_ARC_TOLERANCE / distance, _ARC_TOLERANCE))[:, None]
    count = np.maximum(np.floor(np.abs(turn) / step + 0.5), 1)
    index = np.minimum(np.arange(count.max(initial=1)), count[..., None] - 1)
    sine, cosine = np.sin(index * step[..., None]), np.cos(index * step[..., None])
    x, y = before[..., 0, None], before[..., 1, None]
    fan = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=-1)
    return np.concatenate([fan, normals[:, :, None]], axis=2)


def _cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def clockwise(quads: Quads) -> Quads:
    """Return corners from the top left one clockwise: the two leftmost by height, then the two others."""
    by_x = _take(quads, np.argsort(quads[..., 0], axis=1, kind="stable"))
    left, right = (
        _take(pair, np.argsort(pair[..., 1], axis=1, kind="stable")) for pair in (by_x[:, :2], by_x[:, 2:])
    )
    return np.stack([left[:, 0], right[:, 0], right[:, 1], left[:, 1]], axis=1)


def _take(quads: Quads, order: NDArray[np.intp]) -> Quads:
    return np.take_along_axis(quads, order[..., None], axis=1)


def reading_order(corners: Quads, row_gap: float) -> NDArray[np.intp]:
    """Return indices that sort boxes into rows from top to bottom, and each row from left to right.

    A row ends where the next top is `row_gap` or more below the last.
    """
    left, top = corners[:, 0, 0], corners[:, 0, 1]
    by_top = np.argsort(top, kind="stable")
    row = np.cumsum(np.diff(top[by_top], prepend=top[by_top][:1]) >= row_gap)
    order: NDArray[np.intp] = by_top[np.lexsort((left[by_top], row))]
    return order
