"""When a failed request is worth another attempt, and after how long a pause.

The contract: 5xx and connections that broke before an answer are worth one, 429 after `Retry-After`, and
no other failure. Pauses double, and are random in part so that those who failed together come back apart.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from modelhub.errors import ServiceError

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
LEAST_S = 0.001
"""That an attempt has: sockets refuse a time below 0."""
TOO_MANY_REQUESTS = 429

BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
"""Connections that could not be made or ended before a whole answer."""

FAILURES = (ServiceError, httpx.TransportError)
"""What an attempt may raise; `Attempts.pause_s` judges it."""


class Attempts:
    """The attempts of one request: at most `retries` after the first, and none begins after `timeout_s`."""

    def __init__(
        self,
        retries: int,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._left = retries
        self._clock, self._chance = clock, chance
        self._ends_at = clock() + timeout_s
        self._pause_s = FIRST_PAUSE_S

    def left_s(self) -> float:
        """Return the seconds that the next attempt has, above 0 even if a pause lasted longer than meant."""
        return max(LEAST_S, self._ends_at - self._clock())

    def pause_s(self, failure: Exception) -> float | None:
        """Return for how long to wait after `failure` before another attempt; None if there is to be none."""
        if self._left == 0 or not worth_another(failure):
            return None
        self._left -= 1
        asked_s = (failure.retry_after_s or 0.0) if isinstance(failure, ServiceError) else 0.0
        pause_s = asked_s + self._pause_s * (1 + self._chance()) / 2
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s if self._clock() + pause_s < self._ends_at else None


def worth_another(failure: Exception) -> bool:
    """Return whether the same request may be answered later."""
    if isinstance(failure, ServiceError):
        return failure.status >= 500 or failure.status == TOO_MANY_REQUESTS
    return isinstance(failure, BROKEN)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` names (RFC 9110 10.2.3: a number or a date); None without it."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
