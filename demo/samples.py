"""The sample pictures, and what the demo asks each service about them."""

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from modelhub.present import font

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "weights" / "samples"
SHELF = ROOT / "client" / "samples" / "shelf.jpg"
"""A drawn shelf (`training/shelf/sample.py`)."""
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
