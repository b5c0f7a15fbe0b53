"""Send real pictures to every service of a running gateway and save them annotated."""

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from client.http import ModelHub
from client.present import annotate, font, summarise

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "weights" / "samples"
OUT = ROOT / "out"
WIDTH = 120
PICTURES = {
    "image_classification": ("chelsea.png", "coffee.png", "rocket.jpg", "flower.jpg"),
    "ocr": ("page.png",),
}
SIGN = "货架商品计数\nTriton 推理服务\nOpen 08:30 - 21:00"


def pictures(service: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and file bytes of the pictures for `service`."""
    for name in PICTURES[service]:
        yield name, (SAMPLES / name).read_bytes()
    if service == "ocr":
        yield "sign.png", chinese_sign()


def chinese_sign() -> bytes:
    """Return a drawn sign in Chinese and English, as PNG."""
    sign = Image.new("RGB", (640, 300), (24, 60, 110))
    ImageDraw.Draw(sign).multiline_text((40, 36), SIGN, fill="white", font=font(52), spacing=20)
    buffer = io.BytesIO()
    sign.save(buffer, "PNG")
    return buffer.getvalue()


def run(hub: ModelHub, console: Console) -> None:
    """Print a line for each (service, picture) and save the annotated pictures under `out/`."""
    OUT.mkdir(exist_ok=True)
    table = Table("service", "picture", "answer", "ms", title="demo")
    for service in hub.services():
        for name, image in pictures(service):
            start = time.perf_counter()
            answer = hub.predict(service, image)
            milliseconds = (time.perf_counter() - start) * 1e3
            table.add_row(service, name, summarise(service, answer), f"{milliseconds:.0f}")
            annotated = annotate(service, Image.open(io.BytesIO(image)), answer)
            annotated.save(OUT / f"{service}-{Path(name).stem}.png")
    console.print(table)
    console.print(f"annotated pictures: {OUT}")


def main() -> None:
    """Run against the gateway that MODELHUB_URL names."""
    with ModelHub(os.environ["MODELHUB_URL"]) as hub:
        run(hub, Console(width=WIDTH))


if __name__ == "__main__":
    main()
