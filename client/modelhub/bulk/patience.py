"""Which failures of one picture are tried again, after how long, and which end the whole run."""

from collections.abc import Callable
from enum import Enum, auto

import httpx

from modelhub.errors import ServiceError
from modelhub.retries import BROKEN, TOO_MANY_REQUESTS

BUSY_PAUSE_S = 1.0
"""After a refusal that does not say when to come back."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
TRIES = 8
"""Of a picture that the server fails to answer; their pauses last 35 s, in which a server starts again."""
TRIES_OF_A_FAULT = 3
"""Of a picture that the server answers with a fault of its own, 500: chances are that it is the picture."""
GIVE_UP_S = 60.0
"""Without any answer, after which the server counts as gone: a Triton that was killed is back after 25."""
SAME_FOR_ALL = frozenset({40101, 40401, 40501})
"""Failures that say nothing of the picture: a wrong token, no such service."""

Failure = ServiceError | httpx.TransportError


class Verdict(Enum):
    """What a failure means."""

    BUSY = auto()
    """The server has too much to do: this picture later, the others more slowly."""
    AGAIN = auto()
    """The server did not manage: this picture later."""
    FINAL = auto()
    """This picture fails."""
    HOPELESS = auto()
    """So would every other."""


class Patience:
    """The tries of one picture.

    `last_answer` returns when any picture was last answered, by `clock`; before that, when the run began.
    """

    def __init__(self, clock: Callable[[], float], last_answer: Callable[[], float]) -> None:
        self._clock, self._last_answer = clock, last_answer
        self._began = clock()
        self._tries = 0
        self._refusals = 0

    def judge(self, failure: Failure) -> tuple[Verdict, float]:
        """Return what `failure` means, and the seconds to wait where the picture is to be tried again."""
        if isinstance(failure, ServiceError):
            if failure.status == TOO_MANY_REQUESTS:
                return Verdict.BUSY, self._busy_pause_s(failure.retry_after_s)
            if failure.code in SAME_FOR_ALL:
                return Verdict.HOPELESS, 0.0
            if failure.status < 500:
                return Verdict.FINAL, 0.0
        self._tries += 1
        if self._tries > 1 and self._clock() - self._last_answer() >= GIVE_UP_S:
            return Verdict.HOPELESS, 0.0
        if self._tries < _tries(failure):
            return Verdict.AGAIN, min(FIRST_PAUSE_S * 2.0 ** (self._tries - 1), LONGEST_PAUSE_S)
        # That nothing was answered in all this time is no matter of the picture.
        return (Verdict.FINAL if self._last_answer() > self._began else Verdict.HOPELESS), 0.0

    def _busy_pause_s(self, asked_s: float | None) -> float:
        """Return what the server asks for, and more the more often it refuses: others want to be served."""
        self._refusals += 1
        least_s = BUSY_PAUSE_S if asked_s is None else asked_s
        return max(least_s, min(LONGEST_PAUSE_S, 0.1 * 2.0 ** min(self._refusals, 10)))


def _tries(failure: Failure) -> int:
    if isinstance(failure, ServiceError):
        return TRIES_OF_A_FAULT if failure.status == 500 else TRIES
    return TRIES if isinstance(failure, BROKEN) else TRIES_OF_A_FAULT
