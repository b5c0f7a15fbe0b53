"""Until when a request is worth answering."""

import time
from collections.abc import Mapping

from gateway.errors import InvalidField

HEADER = "X-ModelHub-Timeout-Ms"
"""With it a caller shortens the deadline of one request: whole milliseconds from its head to its answer."""


class Deadline:
    """A moment; what is not answered by then is 50401."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    @classmethod
    def of(cls, headers: Mapping[str, str], longest_s: float) -> "Deadline":
        """Return the deadline of a request with `headers`. Raises InvalidField where HEADER is no number."""
        asked = headers.get(HEADER)
        if asked is None:
            return cls(longest_s)
        if not (asked.isascii() and asked.isdigit() and len(asked) <= 9 and int(asked)):
            raise InvalidField(f"{HEADER}: not a whole number of milliseconds from 1 to 999999999")
        return cls(min(longest_s, int(asked) / 1e3))

    def left_s(self) -> float:
        """Return the seconds until then; negative after it."""
        return self._ends_at - time.monotonic()
