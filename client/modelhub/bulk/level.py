"""How many requests are in flight at one time: as many as the server takes, found by trying.

Additive increase, multiplicative decrease, as TCP finds its rate: every round of answers raises the level by
one, every round in which something was refused lowers it by three tenths. Above what was refused last it
does not rise before a while is over, so that a server whose places are few and fixed refuses little.

Nor does it rise where more requests would only wait longer inside the server. As TCP Vegas does, what waits
there is told from the time of the answers: of a level of eight that is answered in twice the time of the
first answers, four wait. A server has what keeps it busy throughout, and both sides are spared the rest.
"""

from collections.abc import Callable

START = 4
"""Few enough for a small server, and enough to keep two cores busy."""
FIRST = 16
"""Answers whose mean time others are compared with; the level does not rise before they are there."""
WAITING = 8.0
"""Requests that may wait inside the server, more than did at first, for the level to rise. With fewer a
machine that other work uses, too, gives the server less of its cores."""
NEWEST = 0.1
"""Weight of the newest answer in the average of their times."""
FALL = 0.7
"""What is left of the level after a refusal."""
PROBE_AFTER_S = 10.0
"""After a refusal, until it is tried again whether there is room for more than there was then."""


class Level:
    """The number of requests that may be in flight, and how many are.

    What is sent gets a ticket, and is either answered or refused. `clock` returns seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._limit = float(min(START, most))
        self._in_flight = 0
        self._sent = 0
        self._fell_after = 0
        """The last ticket when the level last fell: a refusal of an earlier one tells nothing new."""
        self._first_s = self._mean_s = 0.0
        """Mean times of the FIRST answers, and of those of late."""
        self._answers = 0
        self._ceiling, self._ceiling_until = most, float("-inf")
        self._held_until = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be in flight, 1 to `most`."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """How many are."""
        return self._in_flight

    def opens_in_s(self) -> float | None:
        """Return after how many seconds a request may be sent, 0 for now; None if not before one is over."""
        if self._in_flight >= self.limit:
            return None
        return max(0.0, self._held_until - self._clock())

    def sent(self) -> int:
        """Count a request that is sent now; return its ticket."""
        self._in_flight += 1
        self._sent += 1
        return self._sent

    def answered(self, seconds: float) -> None:
        """Count an answer that took so many seconds. It raises the level if that is what bounds the load."""
        self._learn(seconds)
        if self._in_flight >= self.limit and self._answers >= FIRST and self._waiting() <= WAITING:
            highest = self._ceiling if self._clock() < self._ceiling_until else self._most
            self._limit = max(self._limit, min(highest, self._limit + 1 / self._limit))
        self._in_flight -= 1

    def refused(self, ticket: int, after_s: float) -> None:
        """Count a refusal that asks not to be tried again within `after_s` seconds.

        The level falls once for all that were in flight together. Where nothing else is in flight, nothing
        at all is sent until that time is over; else the server has room for those, and for fewer anew.
        """
        self._in_flight -= 1
        if ticket > self._fell_after:
            self._ceiling = max(1, min(self.limit, self._in_flight))
            self._ceiling_until = self._clock() + PROBE_AFTER_S
            self._limit = max(1.0, self._ceiling * FALL)
            self._fell_after = self._sent
        if self._in_flight == 0:
            self._held_until = max(self._held_until, self._clock() + after_s)

    def over(self) -> None:
        """Count a request that ended in a way that tells nothing of the load."""
        self._in_flight -= 1

    def _learn(self, seconds: float) -> None:
        self._answers += 1
        if self._answers <= FIRST:
            self._first_s += (seconds - self._first_s) / self._answers
            self._mean_s = self._first_s
        else:
            self._mean_s += (seconds - self._mean_s) * NEWEST

    def _waiting(self) -> float:
        """Return how many of the level's requests wait inside the server, by the time of the answers."""
        return self._limit * (1 - self._first_s / self._mean_s) if self._mean_s else 0.0
