"""Send real pictures to every service of a running gateway and save them annotated."""

import io
import os
import time

from PIL import Image
from rich.console import Console
from rich.table import Table

from demo.samples import ROOT, requests
from modelhub import ModelHub, ServiceError
from modelhub.present import annotate, summarise

OUT = ROOT / "out"
WIDTH = 120
NOT_LOADED = 50301
"""Of a service that the running profile leaves out."""


def run(hub: ModelHub, console: Console) -> None:
    """Print a line for each (service, picture) and save the annotated pictures under `out/`."""
    OUT.mkdir(exist_ok=True)
    table = Table("service", "picture", "answer", "ms", title="demo")
    for service in hub.services():
        try:
            for name, images in requests(service):
                table.add_row(service, name, *_asked(hub, service, name, images))
        except ServiceError as error:
            if error.code != NOT_LOADED:
                raise
            table.add_row(service, "", "not loaded", "")
    console.print(table)
    console.print(f"annotated pictures: {OUT}")


def _asked(hub: ModelHub, service: str, name: str, images: list[bytes]) -> tuple[str, str]:
    """Return the answer in words and its milliseconds; saves the annotated pictures."""
    start = time.perf_counter()
    answer = hub.answer(service, *images)
    milliseconds = (time.perf_counter() - start) * 1e3
    pictures = [Image.open(io.BytesIO(image)) for image in images]
    annotate(service, answer, *pictures).save(OUT / f"{service}-{name}.png")
    return summarise(service, answer), f"{milliseconds:.0f}"


def main() -> None:
    """Run against the gateway that MODELHUB_URL names."""
    with ModelHub(os.environ["MODELHUB_URL"]) as hub:
        run(hub, Console(width=WIDTH))


if __name__ == "__main__":
    main()
