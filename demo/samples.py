"""What the demo asks each service: the sample pictures, those to be coloured in grey, and a drawn sign."""

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from gateway import samples
from modelhub.present import font

ROOT = samples.ROOT
SAMPLES = samples.FETCHED
SHELF = samples.SHELF
GREYED = "image_colorization"
SIGN = "货架商品计数\nTriton 推理服务\nOpen 08:30 - 21:00"


def requests(service: str) -> Iterator[tuple[str, list[bytes]]]:
    """Yield a name and the picture files of each request for `service`."""
    there = samples.files()
    for names in samples.REQUESTS.get(service, ()):
        paths = [there[name] for name in names]
        pictures = [greyed(path) if service == GREYED else path.read_bytes() for path in paths]
        yield "-".join(path.stem for path in paths), pictures
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
