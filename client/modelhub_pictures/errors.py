"""What can be wrong with a caller's picture.

PictureError
├── InvalidBase64    40003
├── NotAnImage       40004
└── TooManyPixels    41302
"""

from typing import ClassVar


class PictureError(ValueError):
    """A picture that cannot be answered; `code` is the contract's `error_code`."""

    code: ClassVar[int]


class InvalidBase64(PictureError):  # noqa: N818 - the base carries the word
    """The text is not Base64."""

    code = 40003


class NotAnImage(PictureError):  # noqa: N818 - the base carries the word
    """The bytes are not an image that can be decoded."""

    code = 40004


class TooManyPixels(PictureError):  # noqa: N818 - the base carries the word
    """The image has more pixels than the limit; found before it is decoded."""

    code = 41302
