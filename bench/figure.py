"""What a measurement of `make accuracy` yields."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number, what it must reach, and whether it did (None where it could not be measured)."""

    name: str
    value: str
    bar: str
    reached: bool | None


def share_figure(name: str, hits: int, total: int, bar: float) -> Figure:
    """Return the figure of a share that must be at least `bar`; not measured where there was nothing."""
    if not total:
        return Figure(name, "not measured: the photos are not part of the project", f"at least {bar}", None)
    return Figure(name, f"{hits / total:.4f} of {total}", f"at least {bar}", hits / total >= bar)
