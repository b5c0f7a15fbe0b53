"""CTC decoding: one character class a step to a line of text (Graves et al., 2006)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLANK = 0
"""Class id of CTC's blank; it also pads `detection_texts_ids`."""


_ROUND_ABOUT = 6
"""Steps on either side that tell how well two readings agree: about two characters."""


class Line(NamedTuple):
    """One line as read."""

    text: str
    ids: NDArray[np.int32]
    """[characters], class of each."""
    score: float
    """Mean probability of the characters, 0 where there are none."""


class Steps(NamedTuple):
    """The net's answer for one picture of a line, or a part of it."""

    ids: NDArray[np.int32]
    """[steps], the best class of each."""
    probs: NDArray[np.float32]
    """[steps], its probability."""


def join_pieces(pieces: Sequence[Steps], stride: int) -> Steps:
    """Return the steps of a line that was read in pieces, each of which begins `stride` steps after the last.

    Neighbours change over where both see no character, and where they agree best round about: a character
    is cut by at most one of the two, and counted once.
    """
    joined, *others = pieces
    for number, piece in enumerate(others, 1):
        start = number * stride
        shared = len(joined.ids) - start
        change = _change_over(joined.ids[start:], piece.ids[:shared])
        joined = Steps(
            np.concatenate([joined.ids[: start + change], piece.ids[change:]]),
            np.concatenate([joined.probs[: start + change], piece.probs[change:]]),
        )
    return joined


def _change_over(before: NDArray[np.int32], after: NDArray[np.int32]) -> int:
    """Return the step from which the second of two readings of the same steps holds."""
    before = before[: len(after)]
    equal = before == after
    blank = equal & (before == BLANK)
    candidates = np.flatnonzero(blank if blank.any() else equal if equal.any() else np.ones_like(equal))
    agreement = np.convolve(equal, np.ones(2 * _ROUND_ABOUT + 1, dtype=int))[_ROUND_ABOUT:][candidates]
    off_centre = abs(2 * candidates - len(equal))
    return int(candidates[np.lexsort((off_centre, -agreement))[0]])


def decode_line(steps: Steps, labels: Sequence[str]) -> Line:
    """Return the line that the steps spell.

    Of equal neighbours the first one counts, and blanks are dropped. `labels` are indexed by class.
    """
    char_ids, char_probs = steps
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
