"""Until when a request is worth answering."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gateway.errors import CallerDeadlinePassed, DeadlinePassed, InvalidField

HEADER = "X-ModelHub-Timeout-Ms"
"""With it a caller shortens the deadline of one request: whole milliseconds from its head to its answer."""


class Deadline:
    """A moment; what is not answered by then is 50401."""

    def __init__(self, seconds: float, *, shortened: bool = False) -> None:
        self._ends_at = time.monotonic() + seconds
        self._shortened = shortened

    @classmethod
    def of(cls, headers: Mapping[str, str], longest_s: float) -> "Deadline":
        """Return the deadline of a request with `headers`. Raises InvalidField where HEADER is no number."""
        asked = headers.get(HEADER)
        if asked is None:
            return cls(longest_s)
        if not (asked.isascii() and asked.isdigit() and len(asked) <= 9 and int(asked)):
            raise InvalidField(f"{HEADER}: not a whole number of milliseconds from 1 to 999999999")
        asked_s = int(asked) / 1e3
        return cls(min(longest_s, asked_s), shortened=asked_s < longest_s)

    @contextmanager
    def attributing_expiry(self) -> Iterator[None]:
        """Raise CallerDeadlinePassed in place of DeadlinePassed where the caller shortened the deadline."""
        try:
            yield
        except DeadlinePassed as error:
            if self._shortened:
                raise CallerDeadlinePassed(detail=error.detail) from None
            raise

    def left_s(self) -> float:
        """Return the seconds until then; negative after it."""
        return self._ends_at - time.monotonic()
