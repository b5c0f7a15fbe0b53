"""Answers for people: a short line, and the picture with the answer drawn on it. One row a service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from client.http import Answer

FONT = Path(__file__).resolve().parent.parent / "weights" / "fonts" / "NotoSansCJKtc-Regular.otf"
ACCENT = (220, 30, 90)
PAPER = (255, 255, 255)
TINT = 0.6
"""Share of the accent's colour where something is tinted."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Presentation:
    """How one service's answers are told and drawn; `draw` changes the RGB picture it is given."""

    summary: Callable[[Answer], str]
    draw: Callable[[Image.Image, Answer], None]


def annotate(service: str, answer: Answer, *pictures: Image.Image) -> Image.Image:
    """Return an upright RGB copy of the pictures, side by side, with the answer drawn on it."""
    canvas = _side_by_side([ImageOps.exif_transpose(picture).convert("RGB") for picture in pictures])
    PRESENTATIONS[service].draw(canvas, answer)
    return canvas


def _side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    canvas = Image.new("RGB", (sum(one.width for one in pictures), max(one.height for one in pictures)))
    left = 0
    for picture in pictures:
        canvas.paste(picture, (left, 0))
        left += picture.width
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
    _headline(canvas, _class_summary(answer))


def _similarity_summary(answer: Answer) -> str:
    return f"similarity {answer['similarity']:.1f} of 100, distance {answer['l2_distance']:.3f}"


def _draw_similarity(canvas: Image.Image, answer: Answer) -> None:
    _headline(canvas, _similarity_summary(answer))


def _detection_summary(answer: Answer) -> str:
    found = zip(answer["detection_class_names"], answer["detection_scores"], strict=True)
    return ", ".join(f"{name} {score:.2f}" for name, score in found) or "nothing found"


def _draw_detections(canvas: Image.Image, answer: Answer) -> None:
    draw, face = ImageDraw.Draw(canvas), font(max(12, canvas.height // 32))
    boxes, names = answer["detection_boxes"], answer["detection_class_names"]
    for (top, left, bottom, right), name in zip(boxes, names, strict=True):
        draw.rectangle((left, top, right, bottom), outline=ACCENT, width=2)
        _label(draw, (left + 2, top + 2), name, face)


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


def _people_summary(answer: Answer) -> str:
    return f"people on {float(answer['human_ratio']):.1%} of the picture"


def _tint_background(canvas: Image.Image, answer: Answer) -> None:
    """Blend all that shows nobody with the accent's colour."""
    background = Image.fromarray(np.array(answer["mask"], dtype=np.uint8) == 0)
    canvas.paste(Image.blend(canvas, Image.new("RGB", canvas.size, ACCENT), TINT), mask=background)


def _headline(canvas: Image.Image, text: str) -> None:
    _label(ImageDraw.Draw(canvas), (4, 4), text, font(max(14, canvas.height // 24)))


def _label(draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, face: Font) -> None:
    draw.rectangle(draw.textbbox(corner, text, font=face), fill=PAPER)
    draw.text(corner, text, fill=ACCENT, font=face)


PRESENTATIONS = {
    "foreground_segmentation": Presentation(_people_summary, _tint_background),
    "image_classification": Presentation(_class_summary, _draw_class),
    "scene_classification": Presentation(_class_summary, _draw_class),
    "image_similarity": Presentation(_similarity_summary, _draw_similarity),
    "object_detection": Presentation(_detection_summary, _draw_detections),
    "ocr": Presentation(_text_summary, _draw_text),
}
