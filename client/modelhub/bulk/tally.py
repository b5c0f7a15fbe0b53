"""What became of a run, in numbers: one float is kept of an answer, one line of a failure."""

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

from modelhub.bulk.patience import Failure
from modelhub.bulk.run import Reason
from modelhub.errors import ServiceError


@dataclass
class Tally:
    """Counts of one run."""

    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    """What each answer took."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """The name of each picture that failed, and why."""
    codes: Counter[str] = field(default_factory=Counter)
    """How many failed, by `code_of`."""
    skipped: int = 0
    """Pictures that had their answers from an earlier run."""

    def answered(self, seconds: float) -> None:
        """Count an answer."""
        self.seconds.append(seconds)

    def failed(self, name: str, reason: Reason) -> None:
        """Count a failure."""
        self.failures.append((name, explanation(reason)))
        self.codes[code_of(reason)] += 1

    @property
    def done(self) -> int:
        """Pictures that were answered or failed."""
        return len(self.seconds) + len(self.failures)

    def percentile_ms(self, share: float) -> float:
        """Return the milliseconds within which `share` of the answers came, by nearest rank; nan of none."""
        if not self.seconds:
            return math.nan
        return sorted(self.seconds)[max(0, math.ceil(share * len(self.seconds)) - 1)] * 1e3

    def summary(self, seconds: float) -> str:
        """Return the counts of a run of so many seconds in a line."""
        answered = len(self.seconds)
        parts = [f"{answered} answered in {seconds:.1f} s ({answered / max(seconds, 1e-9):.1f}/s)"]
        if self.seconds:
            parts.append(f"p50 {self.percentile_ms(0.5):.0f} ms, p99 {self.percentile_ms(0.99):.0f} ms")
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        if self.failures:
            by_code = ", ".join(f"{count} x {code}" for code, count in self.codes.most_common())
            parts.append(f"{len(self.failures)} failed ({by_code})")
        return "; ".join(parts)


def code_of(reason: Reason) -> str:
    """Return the contract's code of a failure, or in a word what kind it is of."""
    if isinstance(reason, ServiceError):
        return str(reason.code)
    return "no answer" if isinstance(reason, Failure) else "not done"


def explanation(reason: Exception) -> str:
    """Return a failure in a line."""
    if isinstance(reason, ServiceError):
        return f"{reason.code}: {reason.message}"
    return str(reason) or type(reason).__name__
