"""What forms of masks cost for a picture of 12 megapixels: `python -m bench.masks`, against MODELHUB_URL.

The time is a caller's: from sending the picture to arrays in hand, with the body read as JSON by orjson and
its masks decoded by the client's own package. Beside it stand the time to the last byte and the server's, as
far as its head tells it (`Server-Timing`: the default lists are written after that). Rounds are interleaved.
"""

import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import orjson
import pybase64
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.large import ROUNDS, large_picture
from demo.samples import SAMPLES
from evaluation.figure import WIDTH, Figure, at_most
from evaluation.figure import table as figure_table
from gateway.representation import QUERY
from modelhub.results import RESULTS
from vision.mask_formats import MASK_FORMATS

DEFAULT = "default"
PICTURE = "astronaut.png"
SERVICES = ("semantic_segmentation", "foreground_segmentation", "instance_segmentation")
CODINGS = ("identity", "gzip")
FIGURES_OF = "semantic_segmentation"
MAX_BYTES, MAX_TIME = 0.02, 0.333
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class MaskRequest:
    """What is asked for."""

    service: str
    form: str
    coding: str


@dataclass(frozen=True)
class Cost:
    """One answer: bytes on the wire, and milliseconds."""

    size: int
    to_arrays: float
    to_last_byte: float
    server: float
    postprocess: float
    encode: float


def measured(http: httpx.Client, request: MaskRequest, body: bytes) -> Cost:
    """Ask once."""
    query = {} if request.form == DEFAULT else {QUERY: request.form}
    headers = {"Accept-Encoding": request.coding, "Content-Type": "application/json"}
    began = time.perf_counter()
    with http.stream(
        "POST", f"/api/predict/{request.service}", params=query, content=body, headers=headers
    ) as response:
        content = response.raise_for_status().read()
        came = time.perf_counter()
        size = response.num_bytes_downloaded
    RESULTS[request.service](orjson.loads(content))
    ended = time.perf_counter()
    stages = stages_of(response.headers["server-timing"])
    return Cost(
        size,
        (ended - began) * 1e3,
        (came - began) * 1e3,
        stages["total"],
        stages["postprocess"],
        stages["encode"],
    )


def stages_of(header: str) -> Mapping[str, float]:
    """Return the milliseconds of each stage in `Server-Timing`."""
    return {name: float(value) for name, value in re.findall(r"(\w+);dur=([\d.]+)", header)}


def median(costs: list[Cost]) -> Cost:
    """Return the median of each number."""

    def of(number: Callable[[Cost], float]) -> float:
        return statistics.median(map(number, costs))

    return Cost(
        costs[0].size,
        of(lambda cost: cost.to_arrays),
        of(lambda cost: cost.to_last_byte),
        of(lambda cost: cost.server),
        of(lambda cost: cost.postprocess),
        of(lambda cost: cost.encode),
    )


def measure(url: str, services: tuple[str, ...]) -> dict[MaskRequest, Cost]:
    """Ask every request in every round."""
    image = pybase64.b64encode_as_string(large_picture(SAMPLES / PICTURE))
    body = orjson.dumps({"image": image})
    requests = [
        MaskRequest(service, form, coding)
        for service in services
        for form in (DEFAULT, *MASK_FORMATS)
        for coding in CODINGS
    ]
    found: dict[MaskRequest, list[Cost]] = {request: [] for request in requests}
    with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False) as http:
        for request in requests:
            measured(http, request, body)
        for _ in track(range(ROUNDS), description="12 MP", transient=True):
            for request in requests:
                found[request].append(measured(http, request, body))
    return {request: median(costs) for request, costs in found.items()}


def table(costs: Mapping[MaskRequest, Cost]) -> Table:
    """Return what each form costs."""
    drawn = Table(
        "service", "form", "coding", "bytes", "ms to arrays", "to last byte", "server", "postprocess",
        "encode",
        title=f"a picture of 12 megapixels ({PICTURE}), medians of {ROUNDS} rounds",
    )  # fmt: skip
    for request, cost in costs.items():
        drawn.add_row(
            request.service, request.form, request.coding, f"{cost.size:,}", f"{cost.to_arrays:.0f}",
            f"{cost.to_last_byte:.0f}", f"{cost.server:.0f}", f"{cost.postprocess:.0f}", f"{cost.encode:.0f}",
        )  # fmt: skip
    return drawn


def figures(costs: Mapping[MaskRequest, Cost]) -> list[Figure]:
    """Return what `png` is of the default list, with nothing compressed."""
    png, default = (costs[MaskRequest(FIGURES_OF, form, "identity")] for form in ("png", DEFAULT))
    size, took = png.size / default.size, png.to_arrays / default.to_arrays
    return [
        at_most(
            "bytes of png / of the default list",
            size,
            MAX_BYTES,
            f"1/{1 / size:.0f} ({png.size:,} of {default.size:,})",
        ),
        at_most(
            "time of png / of the default list",
            took,
            MAX_TIME,
            f"{took:.3f} ({png.to_arrays:.0f} of {default.to_arrays:.0f} ms)",
        ),
    ]


def main() -> None:
    """Measure the gateway that MODELHUB_URL names; services may be arguments."""
    services = tuple(sys.argv[1:]) or SERVICES
    costs = measure(os.environ["MODELHUB_URL"], services)
    console = Console(width=WIDTH)
    console.print(table(costs))
    if FIGURES_OF in services:
        console.print(figure_table(figures(costs)))


if __name__ == "__main__":
    main()
