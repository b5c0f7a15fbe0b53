"""Answers for people: a short line, and the picture with the answer drawn on it. One row a service."""

import base64
import colorsys
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from modelhub.http import Answer
from modelhub.masks import decode
from modelhub.voc import VOC_CLASSES

FONT = Path(__file__).resolve().parents[2] / "weights" / "fonts" / "NotoSansCJKtc-Regular.otf"
ACCENT = (220, 30, 90)
PAPER = (255, 255, 255)
INK = (0, 0, 0)
"""On coloured paper."""
TINT = 0.6
"""Share of the accent's colour where something is tinted."""

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _no_pictures(answer: Answer) -> Sequence[Image.Image]:
    del answer
    return ()


@dataclass(frozen=True)
class Presentation:
    """How one service's answers are told and drawn; `draw` changes the RGB picture it is given."""

    summary: Callable[[Answer], str]
    draw: Callable[[Image.Image, Answer], None]
    pictures: Callable[[Answer], Sequence[Image.Image]] = _no_pictures
    """RGB pictures in the answer itself, shown to the right of the request's."""


def annotate(service: str, answer: Answer, *pictures: Image.Image) -> Image.Image:
    """Return an upright RGB copy of the pictures, side by side, with the answer drawn on it."""
    presentation = PRESENTATIONS[service]
    upright = [ImageOps.exif_transpose(picture).convert("RGB") for picture in pictures]
    canvas = _side_by_side([*upright, *presentation.pictures(answer)])
    presentation.draw(canvas, answer)
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
    _frame(canvas, answer, [ACCENT] * len(answer["detection_boxes"]))


def _draw_instances(canvas: Image.Image, answer: Answer) -> None:
    """Tint each thing in a colour of its own, and frame it."""
    colours = [_colour(index) for index in range(len(answer["detection_masks"]))]
    for mask, colour in zip(answer["detection_masks"], colours, strict=True):
        _tint(canvas, decode(mask["counts"], mask["size"]), colour)
    _frame(canvas, answer, colours)


def _frame(canvas: Image.Image, answer: Answer, colours: Sequence[Colour]) -> None:
    """Draw the box and the name of each detection."""
    draw, face = ImageDraw.Draw(canvas), font(max(12, canvas.height // 32))
    boxes, names = answer["detection_boxes"], answer["detection_class_names"]
    for (top, left, bottom, right), name, colour in zip(boxes, names, colours, strict=True):
        draw.rectangle((left, top, right, bottom), outline=colour, width=2)
        _label(draw, (left + 2, top + 2), name, face)


def _shown_classes(answer: Answer) -> dict[int, float]:
    """Return the share of the picture of each class in it but the background, the largest first."""
    counts = np.bincount(np.array(answer["preds"], dtype=np.uint8).ravel())
    shown = [one for one in np.argsort(-counts).tolist() if one and counts[one]]
    return {one: float(counts[one] / counts.sum()) for one in shown}


def _pixels_summary(answer: Answer) -> str:
    shown = _shown_classes(answer).items()
    return ", ".join(f"{VOC_CLASSES[one]} {share:.1%}" for one, share in shown) or "background alone"


def _draw_classes_of_pixels(canvas: Image.Image, answer: Answer) -> None:
    """Tint each class in its colour, and name those that are shown in a line."""
    preds = np.array(answer["preds"], dtype=np.uint8)
    draw, face, left = ImageDraw.Draw(canvas), font(max(14, canvas.height // 24)), 4.0
    for one in _shown_classes(answer):
        _tint(canvas, preds == one, _colour(one))
    for one in _shown_classes(answer):
        _label(draw, (left, 4), VOC_CLASSES[one], face, _colour(one))
        left = draw.textbbox((left, 4), VOC_CLASSES[one], font=face)[2] + 8


def _shelf_summary(answer: Answer) -> str:
    counts = answer["product_count"]
    if not counts:
        return "no products"
    most = sorted(counts.items(), key=lambda item: -item[1])[:3]
    told = ", ".join(f"{number} {name}" for name, number in most)
    return (
        f"{sum(counts.values())} products of {len(counts)} kinds: {told}{' ...' if len(counts) > 3 else ''}"
    )


def _draw_shelf(canvas: Image.Image, answer: Answer) -> None:
    """Frame every product in a colour of its kind: hundreds of names would hide the shelf."""
    draw = ImageDraw.Draw(canvas)
    colours = {name: _colour(index) for index, name in enumerate(answer["product_count"])}
    boxes, names = answer["detection_boxes"], answer["detection_class_names"]
    for (top, left, bottom, right), name in zip(boxes, names, strict=True):
        draw.rectangle((left, top, right, bottom), outline=colours[name], width=max(2, canvas.height // 400))
    _headline(canvas, _shelf_summary(answer))


def _colour(index: int) -> Colour:
    """Return a colour far from those of near indices: steps of the golden section round the wheel."""
    shares = colorsys.hsv_to_rgb(index * 0.618 % 1, 1, 1)
    red, green, blue = (round(255 * share) for share in shares)
    return red, green, blue


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
    _tint(canvas, np.array(answer["mask"], dtype=np.uint8) == 0, ACCENT)


def _coloured_summary(answer: Answer) -> str:
    (picture,) = _coloured(answer)
    return f"{picture.width} x {picture.height} in colour, {len(answer['out_image']) * 3 / 4e3:.0f} kB"


def _draw_nothing(canvas: Image.Image, answer: Answer) -> None:
    del canvas, answer


def _coloured(answer: Answer) -> Sequence[Image.Image]:
    return (Image.open(io.BytesIO(base64.b64decode(answer["out_image"]))).convert("RGB"),)


def _tint(canvas: Image.Image, mask: NDArray[np.bool_], colour: Colour) -> None:
    """Blend the pixels in `mask` with a colour."""
    canvas.paste(Image.blend(canvas, Image.new("RGB", canvas.size, colour), TINT), mask=Image.fromarray(mask))


def _headline(canvas: Image.Image, text: str) -> None:
    _label(ImageDraw.Draw(canvas), (4, 4), text, font(max(14, canvas.height // 24)))


def _label(
    draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, face: Font, paper: Colour = PAPER
) -> None:
    draw.rectangle(draw.textbbox(corner, text, font=face), fill=paper)
    draw.text(corner, text, fill=ACCENT if paper == PAPER else INK, font=face)


PRESENTATIONS = {
    "foreground_segmentation": Presentation(_people_summary, _tint_background),
    "image_colorization": Presentation(_coloured_summary, _draw_nothing, _coloured),
    "image_classification": Presentation(_class_summary, _draw_class),
    "scene_classification": Presentation(_class_summary, _draw_class),
    "image_similarity": Presentation(_similarity_summary, _draw_similarity),
    "object_detection": Presentation(_detection_summary, _draw_detections),
    "instance_segmentation": Presentation(_detection_summary, _draw_instances),
    "semantic_segmentation": Presentation(_pixels_summary, _draw_classes_of_pixels),
    "shelf_counting": Presentation(_shelf_summary, _draw_shelf),
    "ocr": Presentation(_text_summary, _draw_text),
}
