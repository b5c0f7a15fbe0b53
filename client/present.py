"""Answers for people: a short line, and the picture with the answer drawn on it. One row a service."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from client.http import Answer

FONT = Path(__file__).resolve().parent.parent / "weights" / "fonts" / "NotoSansCJKtc-Regular.otf"
ACCENT = (220, 30, 90)
PAPER = (255, 255, 255)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Presentation:
    """How one service's answers are told and drawn; `draw` changes the RGB picture it is given."""

    summary: Callable[[Answer], str]
    draw: Callable[[Image.Image, Answer], None]


def annotate(service: str, picture: Image.Image, answer: Answer) -> Image.Image:
    """Return an upright RGB copy of a picture with the answer drawn on it."""
    canvas = ImageOps.exif_transpose(picture).convert("RGB")
    PRESENTATIONS[service].draw(canvas, answer)
    return canvas


def summarise(service: str, answer: Answer) -> str:
    """Return the answer in a line."""
    return PRESENTATIONS[service].summary(answer)


def font(size: int) -> Font:
    """Return a font of `size` pixels that has Chinese where `make samples` brought one."""
    return ImageFont.truetype(str(FONT), size) if FONT.is_file() else ImageFont.load_default(size)


def _class_summary(answer: Answer) -> str:
    best = sorted(answer["class_probs"].items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{name} {probability:.2f}" for name, probability in best)


def _draw_class(canvas: Image.Image, answer: Answer) -> None:
    size = max(14, canvas.height // 24)
    _label(ImageDraw.Draw(canvas), (4, 4), _class_summary(answer), font(size))


def _text_summary(answer: Answer) -> str:
    texts = answer["detection_texts"]
    return f"{len(texts)} lines: " + " | ".join(texts[:3]) if texts else "no text"


def _draw_text(canvas: Image.Image, answer: Answer) -> None:
    draw = ImageDraw.Draw(canvas)
    for corners, text in zip(answer["detection_keypoints"], answer["detection_texts"], strict=True):
        points = [(x, y) for y, x in corners]
        draw.polygon(points, outline=ACCENT, width=2)
        height = max(10, min(28, round(abs(points[3][1] - points[0][1]) * 0.6)))
        _label(
            draw, (min(x for x, _ in points), max(0, min(y for _, y in points) - height)), text, font(height)
        )


def _label(draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, face: Font) -> None:
    draw.rectangle(draw.textbbox(corner, text, font=face), fill=PAPER)
    draw.text(corner, text, fill=ACCENT, font=face)


PRESENTATIONS = {
    "image_classification": Presentation(_class_summary, _draw_class),
    "ocr": Presentation(_text_summary, _draw_text),
}
