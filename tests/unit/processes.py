"""Processes that there are not."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Process:
    """As much of `psutil.Process` as tells generations apart; `born` in seconds of Unix time."""

    born: float
    pid: int = 0

    def create_time(self) -> float:
        return self.born
