"""What of a picture's file makes its pixels, without all the rest that may be damaged or without end."""

from dataclasses import dataclass

from modelhub_pictures.errors import NotAnImage


@dataclass(frozen=True)
class Essence:
    """A file that holds the pixels of another and no metadata, and what must be known of them beside."""

    data: bytes
    orientation: int = 1
    """As EXIF numbers it: 1 to 8, where 1 is upright."""
    bits: int = 16
    """Of the grey values that Pillow reads as 16-bit integers, from 0 up."""
    white_is_zero: bool = False
    """Whether the file's grey values are the negative of what `data` says."""
    ycbcr: bool = False
    """Whether what `data` calls red, green and blue is Y, Cb and Cr."""
    key: tuple[int, ...] = ()
    """The one colour that is transparent, as Pillow reads it; empty: none."""


def cut_short(kind: str, size: int, where: str = "before all of its pixels") -> NotAnImage:
    """Return the error of a file that ends at byte `size`, too early."""
    return NotAnImage(f"the {kind} file is cut short: it is incomplete, and ends at byte {size}, {where}")
