"""How each service's answers are told and drawn: one row a service.

Answers are the documented ones, as parsed from JSON, with masks in any form, or with arrays for lists.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelhub.masks import classes_of_pixels, decoded
from modelhub.present.canvas import ACCENT, PAPER, Canvas, Colour, Label, colour_of, reduced
from modelhub.voc import VOC_CLASSES
from modelhub_pictures.decoding import upright

Answer = Mapping[str, Any]


def _no_pictures(answer: Answer) -> Sequence[Image.Image]:
    del answer
    return ()


@dataclass(frozen=True)
class Presentation:
    """How one service's answers are told and drawn."""

    summary: Callable[[Answer], str]
    draw: Callable[[Canvas, Answer], None]
    pictures: Callable[[Answer], Sequence[Image.Image]] = _no_pictures
    """RGB pictures in the answer itself, shown to the right of the request's."""


def annotate(
    service: str, answer: Answer, *pictures: Image.Image, longest_side: int | None = None
) -> Image.Image:
    """Return an upright RGB copy of the pictures, side by side, with the answer drawn on it.

    Pictures with a side of more than `longest_side` pixels are reduced to it first. Raises NotAnImage for
    a mode of pictures that has no defined look.
    """
    presentation = PRESENTATIONS.get(service, PLAIN)
    asked = [upright(picture) for picture in pictures]
    shown = [reduced(picture, longest_side) for picture in (*asked, *presentation.pictures(answer))]
    scale = (shown[0].width / asked[0].width, shown[0].height / asked[0].height)
    canvas = Canvas(shown, scale)
    presentation.draw(canvas, answer)
    return canvas.picture


def summarise(service: str, answer: Answer) -> str:
    """Return the answer in a line."""
    return PRESENTATIONS.get(service, PLAIN).summary(answer)


def _class_summary(answer: Answer) -> str:
    best = sorted(answer["class_probs"].items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{name} {probability:.2f}" for name, probability in best)


def _draw_class(canvas: Canvas, answer: Answer) -> None:
    canvas.headline(_class_summary(answer))


def _similarity_summary(answer: Answer) -> str:
    return f"similarity {answer['similarity']:.1f} of 100, distance {answer['l2_distance']:.3f}"


def _draw_similarity(canvas: Canvas, answer: Answer) -> None:
    canvas.headline(_similarity_summary(answer))


def _detection_summary(answer: Answer) -> str:
    found = zip(answer["detection_class_names"], answer["detection_scores"], strict=True)
    return ", ".join(f"{name} {score:.2f}" for name, score in found) or "nothing found"


def _draw_detections(canvas: Canvas, answer: Answer) -> None:
    _frame(canvas, answer, [ACCENT] * len(answer["detection_boxes"]))


def _draw_instances(canvas: Canvas, answer: Answer) -> None:
    """Tint each thing in a colour of its own, and frame it."""
    colours = [colour_of(index) for index in range(len(answer["detection_masks"]))]
    for mask, colour in zip(answer["detection_masks"], colours, strict=True):
        canvas.tint(decoded(mask), colour)
    _frame(canvas, answer, colours)


def _frame(canvas: Canvas, answer: Answer, colours: Sequence[Colour]) -> None:
    """Draw the box and the name of each detection."""
    boxes, names = answer["detection_boxes"], answer["detection_class_names"]
    for box, colour in zip(boxes, colours, strict=True):
        canvas.frame(box, colour)
    canvas.label(
        [
            Label(name, canvas.rect(box), colour)
            for box, name, colour in zip(boxes, names, colours, strict=True)
        ]
    )


def _shares(preds: NDArray[np.uint8]) -> dict[int, float]:
    """Return the share of the picture of each class in it but the background, the largest first."""
    counts = np.bincount(preds.ravel())
    shown = [one for one in np.argsort(-counts).tolist() if one and counts[one]]
    return {one: float(counts[one] / counts.sum()) for one in shown}


def _pixels_summary(answer: Answer) -> str:
    shown = _shares(classes_of_pixels(answer)[0]).items()
    return ", ".join(f"{VOC_CLASSES[one]} {share:.1%}" for one, share in shown) or "background alone"


def _draw_classes_of_pixels(canvas: Canvas, answer: Answer) -> None:
    """Tint each class in its colour, and name those that are shown in a line."""
    preds = classes_of_pixels(answer)[0]
    classes, shown = list(_shares(preds)), canvas.shown(preds)
    for one in classes:
        canvas.tint(shown == one, colour_of(one))
    canvas.legend([(VOC_CLASSES[one], colour_of(one)) for one in classes])


def _shelf_summary(answer: Answer) -> str:
    counts = answer["product_count"]
    if not counts:
        return "no products"
    most = sorted(counts.items(), key=lambda item: -item[1])[:3]
    listed = ", ".join(f"{number} {name}" for name, number in most)
    return (
        f"{sum(counts.values())} products of {len(counts)} kinds: {listed}{' ...' if len(counts) > 3 else ''}"
    )


def _draw_shelf(canvas: Canvas, answer: Answer) -> None:
    """Frame every product in a colour of its kind: hundreds of names would hide the shelf."""
    colours = {name: colour_of(index) for index, name in enumerate(answer["product_count"])}
    boxes, names = answer["detection_boxes"], answer["detection_class_names"]
    for box, name in zip(boxes, names, strict=True):
        canvas.frame(box, colours[name])
    canvas.headline(_shelf_summary(answer))


def _text_summary(answer: Answer) -> str:
    texts = answer["detection_texts"]
    return f"{len(texts)} lines: " + " | ".join(texts[:3]) if texts else "no text"


def _draw_text(canvas: Canvas, answer: Answer) -> None:
    """Outline each text, and write above it what was read, in letters somewhat smaller than its own."""
    labels = []
    for corners, text in zip(answer["detection_keypoints"], answer["detection_texts"], strict=True):
        canvas.outline(corners, ACCENT)
        points = canvas.points(corners)
        columns, rows = zip(*points, strict=True)
        size = max(10, min(2 * canvas.text_size, round(abs(points[3][1] - points[0][1]) * 0.6)))
        labels.append(Label(text, (min(columns), min(rows), max(columns), max(rows)), PAPER, size))
    canvas.label(labels)


def _people_summary(answer: Answer) -> str:
    return f"people on {float(answer['human_ratio']):.1%} of the picture"


def _tint_background(canvas: Canvas, answer: Answer) -> None:
    """Blend all that shows nobody with the accent's colour."""
    canvas.tint(~decoded(answer["mask"]), ACCENT)


def _coloured_summary(answer: Answer) -> str:
    (picture,) = _coloured(answer)
    return f"{picture.width} x {picture.height} in colour, {len(answer['out_image']) * 3 / 4e3:.0f} kB"


def _draw_nothing(canvas: Canvas, answer: Answer) -> None:
    del canvas, answer


def _coloured(answer: Answer) -> Sequence[Image.Image]:
    return (Image.open(io.BytesIO(base64.b64decode(answer["out_image"]))).convert("RGB"),)


def _plain_summary(answer: Answer) -> str:
    """Return the fields that fit into a line, each number and text, and how long a list is."""
    shown = {name: value for name, value in answer.items() if name not in ("request_id", "success")}
    return ", ".join(f"{name} {_short(value)}" for name, value in shown.items())


def _short(value: object) -> str:
    match value:
        case float():
            return f"{value:.3g}"
        case str() | int():
            return str(value)[:40]
        case np.ndarray() | list() | dict():
            return f"({len(value)})"
    return "?"


def _draw_plain(canvas: Canvas, answer: Answer) -> None:
    canvas.headline(_plain_summary(answer))


PLAIN = Presentation(_plain_summary, _draw_plain)
"""Of a service without a row of its own: its line, in a headline."""

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
