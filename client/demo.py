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
    "foreground_segmentation": ("astronaut.png", "coffee.png"),
    "image_classification": ("chelsea.png", "coffee.png", "rocket.jpg", "flower.jpg"),
    "scene_classification": ("china.jpg", "rocket.jpg"),
    "object_detection": ("astronaut.png", "chelsea.png", "coffee.png"),
    "ocr": ("page.png",),
}
PAIRS = {"image_similarity": (("chelsea.png", "astronaut.png"), ("coffee.png", "coffee.png"))}
SIGN = "货架商品计数\nTriton 推理服务\nOpen 08:30 - 21:00"


def requests(service: str) -> Iterator[tuple[str, list[bytes]]]:
    """Yield a name and the picture files of each request for `service`."""
    for name in PICTURES.get(service, ()):
        yield Path(name).stem, [(SAMPLES / name).read_bytes()]
    for pair in PAIRS.get(service, ()):
        yield "-".join(Path(name).stem for name in pair), [(SAMPLES / name).read_bytes() for name in pair]
    if service == "ocr":
        yield "sign", [chinese_sign()]


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
        for name, images in requests(service):
            start = time.perf_counter()
            answer = hub.predict(service, *images)
            milliseconds = (time.perf_counter() - start) * 1e3
            table.add_row(service, name, summarise(service, answer), f"{milliseconds:.0f}")
            pictures = [Image.open(io.BytesIO(image)) for image in images]
            annotate(service, answer, *pictures).save(OUT / f"{service}-{name}.png")
    console.print(table)
    console.print(f"annotated pictures: {OUT}")


def main() -> None:
    """Run against the gateway that MODELHUB_URL names."""
    with ModelHub(os.environ["MODELHUB_URL"]) as hub:
        run(hub, Console(width=WIDTH))


if __name__ == "__main__":
    main()
