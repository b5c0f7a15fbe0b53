"""Lines to batches for the angle net and the recogniser: all of one height, padded on the right."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vision.ocr.settings import RecognitionSettings
from vision.resize import resize_bilinear
from vision.tensors import Picture


def fit_line(line: Picture, height: int, max_width: int | None = None) -> Picture:
    """Return `line` at `height`, its aspect kept unless that makes it wider than `max_width`."""
    width = math.ceil(height * line.shape[1] / line.shape[0])
    return resize_bilinear(line, height, width if max_width is None else min(width, max_width))


def pieces(line: Picture, settings: RecognitionSettings) -> list[Picture]:
    """Return the parts that a line is read in: itself, unless it is wider than `max_width`.

    Parts begin `piece_width - piece_overlap` columns apart, and the last one ends with the line.
    """
    width = line.shape[1]
    if width <= settings.max_width:
        return [line]
    starts = range(0, width - settings.piece_overlap, settings.piece_width - settings.piece_overlap)
    return [line[:, start : start + settings.piece_width] for start in starts]


def piece_stride(settings: RecognitionSettings) -> int:
    """Return how many steps of the net's answer lie between the beginnings of two pieces."""
    return (settings.piece_width - settings.piece_overlap) // settings.step_width


def pad_lines(lines: Sequence[Picture], width: int, padding: int) -> NDArray[np.uint8]:
    """Return lines of one height, none wider than `width`, as uint8 [lines, height, width, 3]."""
    batch = np.full((len(lines), lines[0].shape[0], width, 3), padding, dtype=np.uint8)
    for row, line in zip(batch, lines, strict=True):
        row[:, : line.shape[1]] = line
    return batch


def padded_width(width: int, settings: RecognitionSettings) -> int:
    """Return the width that a line of `width` is padded to.

    It depends on that line alone: padding sways the recogniser, and a line should be read the same in any
    company.
    """
    steps = math.ceil(max(0, width - settings.min_width) / settings.width_step)
    return settings.min_width + steps * settings.width_step


def batches(widths: Sequence[int], settings: RecognitionSettings) -> Iterator[tuple[int, list[int]]]:
    """Yield a padded width and the indices of the lines that share it, within the batch limits."""
    groups: dict[int, list[int]] = {}
    for index, width in enumerate(widths):
        groups.setdefault(padded_width(width, settings), []).append(index)
    for width, members in groups.items():
        most = max(1, min(settings.max_lines, settings.max_columns // width))
        yield from ((width, members[start : start + most]) for start in range(0, len(members), most))
