"""Send real pictures to every service of a running gateway and save them annotated."""

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from client.http import ModelHub, ServiceError
from client.present import annotate, font, summarise

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "weights" / "samples"
SHELF = Path(__file__).resolve().parent / "samples" / "shelf.jpg"
"""A drawn shelf (`training/shelf/sample.py`)."""
OUT = ROOT / "out"
WIDTH = 120
NOT_LOADED = 50301
"""Of a service that the running profile leaves out."""
PICTURES = {
    "foreground_segmentation": ("astronaut.png", "coffee.png"),
    "image_classification": ("chelsea.png", "coffee.png", "rocket.jpg", "flower.jpg"),
    "scene_classification": ("china.jpg", "rocket.jpg"),
    "object_detection": ("astronaut.png", "chelsea.png", "coffee.png"),
    "semantic_segmentation": ("astronaut.png", "chelsea.png", "motorcycle_left.png"),
    "instance_segmentation": ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png"),
    "ocr": ("page.png",),
}
GREYED = {"image_colorization": ("camera.png", "china.jpg", "astronaut.png", "flower.jpg", "chelsea.png")}
PAIRS = {"image_similarity": (("chelsea.png", "astronaut.png"), ("coffee.png", "coffee.png"))}
SIGN = "货架商品计数\nTriton 推理服务\nOpen 08:30 - 21:00"


def requests(service: str) -> Iterator[tuple[str, list[bytes]]]:
    """Yield a name and the picture files of each request for `service`."""
    for name in PICTURES.get(service, ()):
        yield Path(name).stem, [(SAMPLES / name).read_bytes()]
    for name in GREYED.get(service, ()):
        yield Path(name).stem, [greyed(SAMPLES / name)]
    for pair in PAIRS.get(service, ()):
        yield "-".join(Path(name).stem for name in pair), [(SAMPLES / name).read_bytes() for name in pair]
    if service == "shelf_counting":
        yield SHELF.stem, [SHELF.read_bytes()]
    if service == "ocr":
        yield "sign", [chinese_sign()]


def greyed(path: Path) -> bytes:
    """Return a picture file without its colours, as PNG."""
    return _png(Image.open(path).convert("L"))


def chinese_sign() -> bytes:
    """Return a drawn sign in Chinese and English, as PNG."""
    sign = Image.new("RGB", (640, 300), (24, 60, 110))
    ImageDraw.Draw(sign).multiline_text((40, 36), SIGN, fill="white", font=font(52), spacing=20)
    return _png(sign)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


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
    answer = hub.predict(service, *images)
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
