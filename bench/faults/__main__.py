"""Overload, kills and shortages, each against a system of its own, and one table: `make faults`.

`python -m bench.faults [PART...] [--quick]`; parts are overload, fairness, kill, callers and shortages.
"""

import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console

from bench.faults.arena import Arena, NotMountable, SmallDisks
from bench.faults.callers import callers
from bench.faults.kills import kill
from bench.faults.overload import fairness, overload
from bench.faults.shortages import shortages
from bench.faults.site import QUICK, Part, Scale, Site
from evaluation.figure import Figure, table

PARTS: dict[str, Part] = {
    "overload": overload,
    "fairness": fairness,
    "kill": kill,
    "callers": callers,
    "shortages": shortages,
}
WIDTH = 180
BROKE = "the measurement broke off"

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    parts: Annotated[list[str] | None, typer.Argument(help=", ".join(PARTS))] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes in place of half an hour.")] = False,
    kills: Annotated[int | None, typer.Option(min=1, help="Kills of each kind of process.")] = None,
) -> None:
    """Measure `parts`, or all; the exit status is 1 where a part could not be measured to its end."""
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started is stopped
    scale = QUICK if quick else Scale()
    if kills:
        scale = replace(scale, stub_kills=kills, triton_kills=kills, gateway_kills=kills)
    unknown = set(parts or ()) - set(PARTS)
    if unknown:
        raise typer.BadParameter(f"no such part: {', '.join(unknown)}")
    figures: list[Figure] = []
    try:
        for name in parts or PARTS:
            console.print(f"[bold]{name}[/]")
            figures.extend(measured(name, scale, console))
    finally:
        Console(width=WIDTH).print(table(figures))
    if any(figure.value.startswith(BROKE) for figure in figures):
        raise typer.Exit(1)


def measured(name: str, scale: Scale, console: Console) -> Iterator[Figure]:
    """Yield the rows of a part, measured on a system of its own; that it broke off is a row too."""
    try:
        with Arena(SmallDisks() if name == "shortages" else None) as arena:
            console.print(f"  {arena.url}, log {arena.log}")
            yield from PARTS[name](Site.of(arena, scale, console))
    except NotMountable as error:
        yield Figure(name, f"not measured: {error}", "", None)
    except Exception as error:  # one part's end must not cost the others' figures
        console.print_exception()
        yield Figure(name, f"{BROKE}: {error!r}"[:300], "", reached=False)


if __name__ == "__main__":
    sys.exit(app())
