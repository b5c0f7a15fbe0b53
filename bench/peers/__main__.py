"""Requests a second and p99 beside BentoML and LitServe: `python -m bench.peers`, at the end of `make bench`.

For each service the two peers are started beside the running gateway. All three answer every picture first
and must agree field by field; then rounds alternate between them. `python -m bench.peers trials` measures
the configurations of the peers instead, of which `variants.FASTEST` names the best.
"""

import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import track

from bench.peers import processes
from bench.peers.agreement import check_agreement
from bench.peers.predictors import BATCHED
from bench.peers.report import OURS, Comparison, comparison_table, trials_table
from bench.peers.rounds import Series, Targets, add_round, no_series
from bench.peers.variants import FASTEST, PEERS, TRIALS, Variant
from bench.speed import LOADS, jpegs
from evaluation.figure import WIDTH

CLIENTS = (1, 4, 16)
ROUNDS, QUICK_ROUNDS = 5, 2
REQUESTS = {
    "image_classification": (40, 100, 128),
    "object_detection": (30, 80, 96),
    "semantic_segmentation": (30, 80, 96),
    "ocr": (2, 6, 16),
}
"""In a round of each server, by `CLIENTS`: about two seconds, and what `ocr` takes."""

app = typer.Typer(add_completion=False, help=__doc__)
console = Console(width=WIDTH)

Services = Annotated[list[str] | None, typer.Argument(help="Which services; all by default.")]
Quick = Annotated[bool, typer.Option("--quick", help=f"{QUICK_ROUNDS} rounds in place of {ROUNDS}.")]


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Compare, unless a command is named; TERM ends the peers too, of which LitServe ignores it."""
    signal.signal(signal.SIGTERM, _end)
    if context.invoked_subcommand is None:
        compare()


@app.command()
def compare(services: Services = None, quick: Quick = False) -> None:
    """Measure the gateway that MODELHUB_URL names beside the peers."""
    rows = []
    for service in services or REQUESTS:
        with peers(service, {peer: (peer, FASTEST[peer]) for peer in PEERS}) as others:
            urls = {OURS: os.environ["MODELHUB_URL"], **others}
            check_agreement(urls, service, jpegs(LOADS[service]))
            series = measure(urls, service, quick)
        rows += [Comparison(service, clients, series[clients]) for clients in CLIENTS]
    console.print(comparison_table(rows))


@app.command()
def trials(services: Services = None, quick: Quick = False) -> None:
    """Measure each peer's configurations beside each other."""
    for service in services or REQUESTS:
        for peer in PEERS:
            variants = [one for one in TRIALS[peer] if one.batch == 1 or service == BATCHED]
            with peers(service, {one.description(): (peer, one) for one in variants}) as urls:
                series = measure(urls, service, quick)
            console.print(trials_table(peer, service, series))


@contextmanager
def peers(service: str, variants: Mapping[str, tuple[str, Variant]]) -> Iterator[dict[str, str]]:
    """Yield the URLs of running peers, by the names given to them."""
    image = jpegs(LOADS[service])[0]
    with ExitStack() as stack:
        children = {
            name: stack.enter_context(processes.started(peer, service, variant, free_port()))
            for name, (peer, variant) in variants.items()
        }
        yield {name: processes.answering(child, service, image) for name, child in children.items()}


def measure(urls: Mapping[str, str], service: str, quick: bool) -> dict[int, dict[str, Series]]:
    """Return a series for each number of clients and server."""
    images, series = jpegs(LOADS[service]), no_series(CLIENTS, urls)
    counts = dict(zip(CLIENTS, REQUESTS[service], strict=True))
    rounds = range(QUICK_ROUNDS if quick else ROUNDS)
    for turn in track(rounds, description=service, transient=True):
        add_round(series, Targets(urls, service, images), counts, turn)
    return series


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)  # through every `finally`


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    app()
