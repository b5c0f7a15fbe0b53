"""The tables of `python -m bench.peers`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Column, Table

from bench.peers.rounds import Series, SeriesByClients

OURS = "ours"


@dataclass(frozen=True)
class Comparison:
    """One service under one number of clients: ours, and others of which the better one counts."""

    service: str
    clients: int
    series: Mapping[str, Series]

    @property
    def rate_ratio(self) -> float:
        """Return our answers a second over the better peer's; below 1 is a miss."""
        return self.series[OURS].rate / max(one.rate for one in self._peers())

    @property
    def p99_ratio(self) -> float:
        """Return our p99 over the better peer's; above 1 is a miss."""
        return self.series[OURS].p99_ms / min(one.p99_ms for one in self._peers())

    def _peers(self) -> list[Series]:
        return [one for name, one in self.series.items() if name != OURS]


def comparison_table(rows: Sequence[Comparison]) -> Table:
    """Return all comparisons with what they miss."""
    names, rounds = list(rows[0].series), len(rows[0].series[OURS].rates)
    drawn = Table(
        Column("service", no_wrap=True), "clients", *(f"{name}: /s, p99 ms" for name in names), "/s", "p99",
        title=f"medians of {rounds} rounds ± half their spread, {os.cpu_count()} cores",
        caption="last columns: over the better peer; /s at least 1, p99 at most 1",
    )  # fmt: skip
    for row in rows:
        drawn.add_row(
            row.service, str(row.clients), *(_text(row.series[name]) for name in names),
            _marked(row.rate_ratio, row.rate_ratio >= 1), _marked(row.p99_ratio, row.p99_ratio <= 1),
        )  # fmt: skip
    return drawn


def trials_table(peer: str, service: str, series: SeriesByClients) -> Table:
    """Return what each configuration of a peer reached."""
    drawn = Table(
        "configuration", *(f"{clients} clients" for clients in series), title=f"{peer}, {service}: /s, p99 ms"
    )
    for variant in next(iter(series.values())):
        ones = [by_variant[variant] for by_variant in series.values()]
        drawn.add_row(variant, *map(_text, ones))
    return drawn


def _text(one: Series) -> str:
    return f"{one.rate:.1f} ±{one.spread / 2:.0%}, {one.p99_ms:.0f}"


def _marked(ratio: float, reached: bool) -> str:
    return f"{ratio:.2f}" if reached else f"[red]{ratio:.2f} missed[/]"
