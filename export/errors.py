"""Why an export stops. Each message is one line: what happened, to which file, what to do.

ExportError                  exit status 1
├── FetchError
│   ├── NoNetwork            3
│   ├── CutDownload          4
│   ├── WrongHash            5
│   ├── NotInIndex           6
│   ├── NotInPackage         6
│   └── NotPublished         6
├── EnvironmentFailed
├── ConversionFailed
├── DamagedOwn
└── UnfitCheckpoint
"""

from typing import ClassVar


class ExportError(Exception):
    """An export that cannot go on; `detail` holds lines of a tool's own output, most telling last."""

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, detail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.detail = detail


class FetchError(ExportError):
    """A package or file could not be fetched, for another reason than those below."""


class NoNetwork(FetchError):  # noqa: N818 - the base carries the word
    """The package index, or the publisher's site, does not answer."""

    exit_status = 3


class CutDownload(FetchError):  # noqa: N818 - the base carries the word
    """The index or site answered, but a file did not come whole."""

    exit_status = 4


class WrongHash(FetchError):  # noqa: N818 - the base carries the word
    """A file came whole and is not the one that was asked for."""

    exit_status = 5


class NotInIndex(FetchError):  # noqa: N818 - the base carries the word
    """The index answers and has no such package or version."""

    exit_status = 6


class NotInPackage(FetchError):  # noqa: N818 - the base carries the word
    """The package came and has no such file."""

    exit_status = 6


class NotPublished(FetchError):  # noqa: N818 - the base carries the word
    """The site answers and has no such file any more."""

    exit_status = 6


class EnvironmentFailed(ExportError):  # noqa: N818 - the base carries the word
    """An environment of conversions could not be built."""


class ConversionFailed(ExportError):  # noqa: N818 - the base carries the word
    """A converter failed, or its graph did not pass the checks."""


class DamagedOwn(ExportError):  # noqa: N818 - the base carries the word
    """A net of the user's own is damaged, and is not to be replaced without their word."""


class UnfitCheckpoint(ExportError):  # noqa: N818 - the base carries the word
    """A file of the user's own is not what it must be."""
