"""What JSON costs for a picture of 12 megapixels: `python -m bench.large`, at the end of `make bench`.

The answer comes through the gateway, whole. Its tensors come from Triton, too, and of these the gateway's own
code makes the JSON again, alone. What is left of the time through the gateway is everything else: decoding,
nets, post-processing, and all transport, the JSON's own included.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from tritonclient.grpc import InferenceServerClient, InferInput

from bench.speed import gateway_call
from demo.samples import SAMPLES
from evaluation.figure import WIDTH
from evaluation.picture_files import encoded
from gateway.responses import PiecewiseResponse, new_request_id, success
from gateway.services import SERVICES
from gateway.settings import Settings
from modelhub.kinds import Tensors, one_string

PICTURES = {"semantic_segmentation": "astronaut.png", "instance_segmentation": "motorcycle_left.png"}
SIZE = (4000, 3000)
ROUNDS = 5
MAX_RATIO = 0.3


@dataclass(frozen=True)
class Cost:
    """Medians over the rounds, in milliseconds, and the bytes of the JSON."""

    service: str
    whole_ms: float
    json_ms: float
    size: int

    @property
    def ratio(self) -> float:
        """Return the time in JSON over that in everything else."""
        return self.json_ms / (self.whole_ms - self.json_ms)


def large_picture(path: Path) -> bytes:
    """Return a picture enlarged to 12 megapixels, as JPEG."""
    picture = Image.open(path).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    return encoded(picture, "JPEG", quality=90)


def tensors_of(triton: str, service: str, image: bytes) -> Tensors:
    """Return what Triton answers to the gateway."""
    content = one_string(image, batched=False)
    entry = InferInput("image", content.shape, "BYTES").set_data_from_numpy(content)
    with InferenceServerClient(triton) as client:
        result = client.infer(service, [entry])
        return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def json_size(service: str, tensors: Tensors) -> int:
    """Make the JSON as the gateway does, and return its size."""
    answer = success(new_request_id(), SERVICES[service].render(tensors))
    return sum(map(len, answer.pieces())) if isinstance(answer, PiecewiseResponse) else len(answer.body)


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def measure(url: str, triton: str, service: str) -> Cost:
    """Return the figures of one service."""
    image = large_picture(SAMPLES / PICTURES[service])
    through = gateway_call(url, service)
    tensors = tensors_of(triton, service, image)
    through(image)
    rounds = [
        (milliseconds(lambda: through(image)), milliseconds(lambda: json_size(service, tensors)))
        for _ in track(range(ROUNDS), description=f"{service}, 12 MP", transient=True)
    ]
    whole, alone = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Cost(service, whole, alone, json_size(service, tensors))


def table(costs: list[Cost]) -> Table:
    """Return the figures with their bar."""
    drawn = Table(
        "service", "gateway ms", "JSON ms", "JSON MB", "JSON / everything else", "at most",
        title=f"a picture of {np.prod(SIZE) / 1e6:.0f} megapixels, medians of {ROUNDS} rounds",
    )  # fmt: skip
    for cost in costs:
        drawn.add_row(
            cost.service, f"{cost.whole_ms:.0f}", f"{cost.json_ms:.0f}", f"{cost.size / 1e6:.1f}",
            f"{cost.ratio:.2f}", str(MAX_RATIO),
        )  # fmt: skip
    return drawn


def main() -> None:
    """Measure the gateway that MODELHUB_URL names and the Triton behind it; services may be arguments."""
    url, triton = os.environ["MODELHUB_URL"], Settings().triton_grpc_url
    costs = [measure(url, triton, service) for service in sys.argv[1:] or PICTURES]
    Console(width=WIDTH).print(table(costs))


if __name__ == "__main__":
    main()
