"""How many pods a load takes: `python -m bench.replicas --rate image_classification=50 --rate ocr=0.5`.

A request costs seconds of a core; `bench/capacity.json` says what was measured of each service (by `make
bench`), and docs/scaling.md how far that carries.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

FILE = Path(__file__).with_name("capacity.json")


class Capacity(msgspec.Struct, frozen=True):
    """What was measured on one machine."""

    cores: int
    requests_per_second: dict[str, float]
    """Of each service alone, with all cores busy."""

    def core_seconds(self, service: str) -> float:
        """Return what one request of `service` costs."""
        return self.cores / self.requests_per_second[service]


def measured() -> Capacity:
    """Return what stands in the file."""
    return msgspec.json.decode(FILE.read_bytes(), type=Capacity)


def busy_cores(rates: Mapping[str, float], capacity: Capacity) -> float:
    """Return how many cores requests a second of each service keep busy."""
    return sum(rate * capacity.core_seconds(service) for service, rate in rates.items())


def pods_for(cores: float, cores_of_a_pod: float, utilisation: float) -> int:
    """Return the pods that keep `cores` busy, none of them beyond `utilisation`; at least one."""
    # Rounded first: 3.0000000000000004 pods are three.
    return max(1, math.ceil(round(cores / (cores_of_a_pod * utilisation), 9)))


def pods_with_a_node_lost(pods: int, nodes: int) -> int:
    """Return how many pods, spread evenly over `nodes`, leave at least `pods` without the fullest node."""
    return next(total for total in itertools.count(pods) if total - math.ceil(total / nodes) >= pods)


def _rates(pairs: Sequence[str], capacity: Capacity) -> dict[str, float]:
    """Return the rates of `SERVICE=REQUESTS` pairs."""
    rates: dict[str, float] = {}
    for pair in pairs:
        service, _, text = pair.partition("=")
        if service not in capacity.requests_per_second:
            raise typer.BadParameter(f"{service}: not one of {', '.join(capacity.requests_per_second)}")
        try:
            rate = float(text)
        except ValueError:
            raise typer.BadParameter(f"{pair}: not SERVICE=REQUESTS_A_SECOND") from None
        if not 0 <= rate < math.inf:
            raise typer.BadParameter(f"{pair}: a rate is a number from 0 on")
        rates[service] = rates.get(service, 0.0) + rate
    return rates


def _table(rates: Mapping[str, float], capacity: Capacity) -> Table:
    drawn = Table("service", "requests/s", "core seconds each", "cores busy")
    for service, rate in rates.items():
        each = capacity.core_seconds(service)
        drawn.add_row(service, f"{rate:g}", f"{each:.3f}", f"{rate * each:.2f}")
    drawn.add_row("together", "", "", f"{busy_cores(rates, capacity):.2f}")
    return drawn


def main(
    rate: Annotated[list[str], typer.Option(metavar="SERVICE=REQUESTS", help="Requests a second at peak.")],
    cores: Annotated[float, typer.Option(min=0.1, help="Cores of a pod's Triton.")] = 2.0,
    utilisation: Annotated[float, typer.Option(min=0.05, max=1.0, help="Of these cores, at peak.")] = 0.6,
    nodes: Annotated[int, typer.Option(min=2, help="Over which pods are spread; one may be lost.")] = 3,
) -> None:
    """Print how many pods a load takes."""
    capacity = measured()
    rates = _rates(rate, capacity)
    pods = pods_for(busy_cores(rates, capacity), cores, utilisation)
    console = Console()
    console.print(_table(rates, capacity))
    console.print(
        f"pods: {pods}; {pods_with_a_node_lost(pods, nodes)} so that one of {nodes} nodes may be lost"
    )


if __name__ == "__main__":
    typer.run(main)
