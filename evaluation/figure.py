"""What a measurement yields, beside what it must reach."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

WIDTH = 120
"""Columns of a terminal in which the tables of the benchmarks are printed."""
_STATES = {True: "reached", False: "MISSED", None: ""}


@dataclass(frozen=True)
class Figure:
    """One measured number, what it must reach, and whether it did (None where it could not be measured)."""

    name: str
    value: str
    bar: str
    reached: bool | None


def at_least(name: str, value: float, bar: float, text: str) -> Figure:
    """Return the figure of a `value`, `text` in words, that must not come below `bar`."""
    return Figure(name, text, f"at least {bar}", value >= bar)


def at_most(name: str, value: float, bar: float, text: str) -> Figure:
    """Return the figure of a `value`, `text` in words, that must not exceed `bar`."""
    return Figure(name, text, f"at most {bar}", value <= bar)


def share_figure(name: str, hits: int, total: int, bar: float) -> Figure:
    """Return the figure of a share that must be at least `bar`; not measured where there was nothing."""
    if not total:
        return not_measured(name, f"at least {bar}")
    return at_least(name, hits / total, bar, f"{hits / total:.4f} of {total}")


def not_measured(name: str, bar: str) -> Figure:
    """Return the figure of what takes photos, or a teacher, that are not there."""
    return Figure(name, "not measured: the photos are not part of the project", bar, None)


def table(figures: Sequence[Figure]) -> Table:
    """Return figures, their bars, and which were reached."""
    drawn = Table("figure", "measured", "bar", "")
    for figure in figures:
        drawn.add_row(figure.name, figure.value, figure.bar, _STATES[figure.reached])
    return drawn
