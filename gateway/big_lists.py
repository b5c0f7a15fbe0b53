"""Large tables of numbers as JSON, several times faster than any encoder that looks at numbers one by one.

Of the numbers in a mask, in class ids or in probabilities of four decimals there are few different ones. Each
of them is text of one width, from a table; JSON allows the blanks that fill it up. So the length of the
whole is known before its first byte, and it is made piece by piece while it is sent.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

DECIMALS = 4
"""Of the floats that can be written: multiples of 0.0001 from 0 to 1."""
PIECE_BYTES = 1 << 19
"""About the size of a piece."""

_ONE = 10**DECIMALS
_BLOCK = 1 << 16  # of numbers: what is computed on the way to codes stays in the processor's cache
_BETWEEN_ROWS = b"],["

Codes = NDArray[np.uint8] | NDArray[np.uint16]
"""[rows, columns] of indices into a table of texts."""

Cells = NDArray[np.unsignedinteger[Any]]
"""Texts, in the bytes of one integer each."""


@dataclass(frozen=True)
class BigList:
    """A list of lists of numbers, as JSON."""

    codes: Codes
    texts: Cells
    """By code: a comma, blanks, and the number."""

    @property
    def size(self) -> int:
        """Return how many bytes the pieces have together."""
        rows, columns = self.codes.shape
        return rows * (self._head_cells + columns) * self.texts.itemsize + len(b"]]")

    def pieces(self) -> Iterator[bytes]:
        """Yield the text: a number of rows at a time, or of columns of one row."""
        rows, columns = self.codes.shape
        wide = max(1, PIECE_BYTES // self.texts.itemsize)
        tall = max(1, wide // columns)
        for top in range(0, rows, tall):
            for left in range(0, columns, wide):
                yield self._piece(slice(top, top + tall), slice(left, left + wide))
        yield b"]]"

    @property
    def _head_cells(self) -> int:
        """How many cells of a row precede its numbers."""
        return math.ceil(len(_BETWEEN_ROWS) / self.texts.itemsize)

    def _piece(self, rows: slice, columns: slice) -> bytes:
        codes = self.codes[rows, columns]
        head = 0 if columns.start else self._head_cells
        cells = np.empty((len(codes), head + codes.shape[1]), dtype=self.texts.dtype)
        cells[:, head:] = self.texts.take(codes)
        if head:
            self._begin_rows(cells.view(np.uint8), is_first=rows.start == 0)
        return cells.tobytes()

    def _begin_rows(self, letters: NDArray[np.uint8], *, is_first: bool) -> None:
        """Write the heads of rows. In its head a row ends the one before it; its first comma is dropped."""
        width = self._head_cells * self.texts.itemsize
        letters[:, :width] = _bytes(_BETWEEN_ROWS.rjust(width))
        letters[:, width] = ord(" ")
        if is_first:
            letters[0, :width] = _bytes(b"[[".rjust(width))


def big_list(values: NDArray[Any]) -> BigList | None:
    """Return `values` [rows, columns] as JSON, or None where they cannot be written exactly in this way.

    They can if they are uint8, or float32 of which each is the one nearest to a multiple of 0.0001, from 0
    to 1.
    """
    if values.ndim != 2 or not values.size:
        return None
    if values.dtype == np.uint8:
        return BigList(values, _integers(2 if values.max() < 10 else 4))
    codes = _codes(values) if values.dtype == np.float32 else None
    return None if codes is None else BigList(codes, _shares())


def _codes(values: NDArray[np.float32]) -> NDArray[np.uint16] | None:
    """Return `values` in units of 0.0001; None where one is not such a number or is beyond 0 and 1."""
    flat = values.ravel()
    codes = np.empty(flat.size, dtype=np.uint16)
    for start in range(0, flat.size, _BLOCK):
        part = flat[start : start + _BLOCK]
        if not (part.min() >= 0 and part.max() <= 1):
            return None
        rounded = np.rint(part * np.float32(_ONE))
        if not np.array_equal(rounded / np.float32(_ONE), part):
            return None
        codes[start : start + _BLOCK] = rounded
    return codes.reshape(values.shape)


@lru_cache
def _integers(width: int) -> Cells:
    """Return the texts of the integers that have room beside a comma, from 0, at most to 255."""
    last = min(255, 10 ** (width - 1) - 1)
    return _table([str(number) for number in range(last + 1)], width)


@lru_cache
def _shares() -> Cells:
    """Return the texts of the multiples of 0.0001 from 0 to 1."""
    return _table([f"{number / _ONE:.{DECIMALS}f}" for number in range(_ONE + 1)], 8)


def _table(numbers: list[str], width: int) -> Cells:
    texts = b"".join(b"," + number.encode().rjust(width - 1) for number in numbers)
    return np.frombuffer(texts, dtype=f"u{width}")


def _bytes(text: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(text, dtype=np.uint8)
