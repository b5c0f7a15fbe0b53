"""CTC decoding: one character class a step to a line of text (Graves et al., 2006)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLANK = 0
"""Class id of CTC's blank; it also pads `detection_texts_ids`."""


class Line(NamedTuple):
    """One line as read."""

    text: str
    ids: NDArray[np.int32]
    """[characters], class of each."""
    score: float
    """Mean probability of the characters, 0 where there are none."""


def decode_line(char_ids: NDArray[np.int32], char_probs: NDArray[np.float32], labels: Sequence[str]) -> Line:
    """Return the line that `char_ids` and `char_probs`, both [steps], spell.

    Of equal neighbours the first one counts, and blanks are dropped. `labels` are indexed by class.
    """
    starts = np.diff(char_ids, prepend=BLANK) != 0
    kept = starts & (char_ids != BLANK)
    ids = char_ids[kept]
    score = float(char_probs[kept].mean(dtype=np.float64)) if len(ids) else 0.0
    return Line("".join(labels[index] for index in ids), ids, score)


def stack_ids(lines: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return ids of several lines as int32 [lines, longest], padded with the blank."""
    longest = max(map(len, lines), default=0)
    stacked = np.full((len(lines), longest), BLANK, dtype=np.int32)
    for row, ids in zip(stacked, lines, strict=True):
        row[: len(ids)] = ids
    return stacked
