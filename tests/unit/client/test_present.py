"""Answers for people: a line, and something drawn where it was found."""

import base64
import io
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from gateway.services import SERVICES
from modelhub.masks import decode
from modelhub.present import PRESENTATIONS, annotate, summarise
from tests.hazards import exif_rotated
from vision.mask_formats import MASK_FORMATS, base64_png, regions

TEXT = {
    "detection_keypoints": [[[20, 10], [20, 60], [40, 60], [40, 10]]],
    "detection_texts": ["货架 42"],
}
NO_TEXT: dict[str, list[object]] = {"detection_keypoints": [], "detection_texts": []}
CAT = {
    "detection_boxes": [[20.0, 10.0, 50.0, 60.0]],
    "detection_scores": [0.83],
    "detection_class_names": ["cat"],
}
NOTHING: dict[str, list[object]] = {field: [] for field in CAT}
CLASSES = {"class_probs": {"tench": 0.1, "tabby": 0.7, "lynx": 0.2}}


def test_services_are_presented_and_any_other_in_a_line_of_its_fields() -> None:
    assert set(PRESENTATIONS) <= set(SERVICES)
    answer = {"request_id": "an id", "success": True, "share": 0.25, "name": "海", "points": [[1, 2], [3, 4]]}
    assert summarise("an_eleventh", answer) == "share 0.25, name 海, points (2)"
    drawn = np.asarray(annotate("an_eleventh", answer, Image.new("RGB", (300, 60))))
    assert drawn[:20].any()
    assert not drawn[50:].any()


def test_the_best_classes_are_told_in_order() -> None:
    assert summarise("image_classification", CLASSES) == "tabby 0.70, lynx 0.20, tench 0.10"


@pytest.mark.parametrize(("answer", "line"), [(TEXT, "1 lines: 货架 42"), (NO_TEXT, "no text")])
def test_text_is_told(answer: dict[str, object], line: str) -> None:
    assert summarise("ocr", answer) == line


def test_text_is_outlined_where_it_was_read() -> None:
    drawn = np.asarray(annotate("ocr", TEXT, Image.new("RGB", (80, 60))))
    assert drawn[40, 20:50].any(axis=1).all()
    assert not drawn[50:, :].any()


@pytest.mark.parametrize(("answer", "line"), [(CAT, "cat 0.83"), (NOTHING, "nothing found")])
def test_detections_are_told(answer: dict[str, list[object]], line: str) -> None:
    assert summarise("object_detection", answer) == line


def test_detections_are_framed() -> None:
    drawn = np.asarray(annotate("object_detection", CAT, Image.new("RGB", (80, 60))))
    assert drawn[50, 10:60].any(axis=1).all()
    assert drawn[20:50, 60].any(axis=1).all()
    assert not drawn[52:, :].any()


THINGS = CAT | {
    "detection_boxes": [[20.0, 10.0, 50.0, 60.0], [5.0, 40.0, 55.0, 75.0]],
    "detection_scores": [0.83, 0.5],
    "detection_class_names": ["cat", "dog"],
    "detection_masks": [
        {"counts": [80 * 40 + 30, 20, 80 * 20 - 50], "size": [60, 80]},
        {"counts": [80 * 42 + 30, 20, 80 * 18 - 50], "size": [60, 80]},
    ],
}


def test_instances_are_tinted_each_in_a_colour_of_its_own() -> None:
    assert summarise("instance_segmentation", THINGS) == "cat 0.83, dog 0.50"
    drawn = np.asarray(annotate("instance_segmentation", THINGS, Image.new("RGB", (80, 60))))
    assert drawn[40, 30:39].any(axis=1).all()
    assert len({tuple(drawn[row, 35].tolist()) for row in (40, 41, 42)}) == 3
    assert not drawn[41, 30:39].any()


def test_no_instances_are_told_and_leave_the_picture_alone() -> None:
    answer = NOTHING | {"detection_masks": []}
    assert summarise("instance_segmentation", answer) == "nothing found"
    assert not np.asarray(annotate("instance_segmentation", answer, Image.new("RGB", (80, 60)))).any()


def test_classes_of_pixels_are_told_the_largest_first_and_tinted() -> None:
    preds = np.zeros((60, 80), dtype=int)
    preds[40:50, :60], preds[50:, :] = 8, 15
    answer = {"preds": preds.tolist(), "probs": np.ones((60, 80)).tolist()}
    assert summarise("semantic_segmentation", answer) == "person 16.7%, cat 12.5%"
    drawn = np.asarray(annotate("semantic_segmentation", answer, Image.new("RGB", (80, 60))))
    cat, person = drawn[45, 5], drawn[55, 5]
    assert cat.any()
    assert person.any()
    assert not np.array_equal(cat, person)
    assert not drawn[45, 60:].any()
    assert drawn[:30].any()  # the legend


def test_background_alone_is_told() -> None:
    assert (
        summarise("semantic_segmentation", {"preds": [[0, 0]], "probs": [[1.0, 1.0]]}) == "background alone"
    )


SHELF = {
    "detection_boxes": [[10.0, 40.0, 50.0, 50.0], [10.0, 60.0, 50.0, 70.0], [10.0, 20.0, 50.0, 30.0]],
    "detection_class_names": ["tea", "cola", "tea"],
    "product_count": {"tea": 2, "cola": 1},
}
EMPTY_SHELF: dict[str, object] = {"detection_boxes": [], "detection_class_names": [], "product_count": {}}
MANY_KINDS = {"product_count": {"a": 1, "b": 5, "c": 2, "d": 3}}


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (SHELF, "3 products of 2 kinds: 2 tea, 1 cola"),
        (MANY_KINDS, "11 products of 4 kinds: 5 b, 3 d, 2 c ..."),
        (EMPTY_SHELF, "no products"),
    ],
)
def test_a_shelf_is_told(answer: dict[str, object], line: str) -> None:
    assert summarise("shelf_counting", answer) == line


def test_products_are_framed_in_a_colour_of_their_kind() -> None:
    drawn = np.asarray(annotate("shelf_counting", SHELF, Image.new("RGB", (80, 60))))
    tea, cola, other_tea = drawn[49, 40], drawn[49, 60], drawn[49, 20]
    assert tea.any()
    assert np.array_equal(tea, other_tea)
    assert not np.array_equal(tea, cola)
    assert not drawn[49, 32:38].any()


def test_the_foreground_is_told_and_keeps_its_colours() -> None:
    answer = {"human_ratio": "0.250000", "mask": [[1, 0], [0, 0]]}
    assert summarise("foreground_segmentation", answer) == "people on 25.0% of the picture"
    drawn = annotate("foreground_segmentation", answer, Image.new("RGB", (2, 2), "white"))
    assert drawn.getpixel((0, 0)) == (255, 255, 255)
    assert len({drawn.getpixel(corner) for corner in ((1, 0), (0, 1), (1, 1))} - {(255, 255, 255)}) == 1


def test_a_coloured_picture_is_shown_beside_the_grey_one() -> None:
    file = io.BytesIO()
    Image.new("RGB", (20, 10), (200, 40, 40)).save(file, "PNG")
    answer = {"out_image": base64.b64encode(file.getvalue()).decode()}
    assert summarise("image_colorization", answer).startswith("20 x 10 in colour, ")
    drawn = annotate("image_colorization", answer, Image.new("L", (20, 10), 90))
    assert drawn.size == (40, 10)
    assert drawn.getpixel((5, 5)) == (90, 90, 90)
    assert drawn.getpixel((25, 5)) == (200, 40, 40)


def test_two_pictures_are_shown_side_by_side() -> None:
    pictures = [Image.new("RGB", (300, 100), "red"), Image.new("RGB", (40, 130), "blue")]
    drawn = annotate("image_similarity", {"similarity": 12.0, "l2_distance": 1.1}, *pictures)
    assert drawn.size == (340, 130)
    assert drawn.getpixel((10, 99)) == (255, 0, 0)
    assert drawn.getpixel((335, 129)) == (0, 0, 255)


def test_a_rotated_picture_is_drawn_upright_and_left_unchanged() -> None:
    picture = Image.open(io.BytesIO(exif_rotated()))
    before = picture.copy()
    drawn = annotate("image_classification", CLASSES, picture)
    assert drawn.size == (picture.height, picture.width)
    assert (np.asarray(picture) == np.asarray(before)).all()


@pytest.mark.parametrize("form", MASK_FORMATS)
def test_masks_in_every_form_are_told_and_drawn_alike(form: str) -> None:
    counts, size = np.array([80 * 20 + 10, 30, 50, 30, 80 * 40 - 120], dtype=np.int32), (60, 80)
    written = parsed(MASK_FORMATS[form](counts, size))
    mask = decode(counts.tolist(), size)
    plain = THINGS | {"detection_masks": [{"counts": counts.tolist(), "size": [60, 80]}] * 2}
    told = THINGS | {"detection_masks": [written] * 2}
    assert_alike("instance_segmentation", plain, told)
    people = {"human_ratio": "0.01"}
    assert_alike("foreground_segmentation", people | {"mask": mask.tolist()}, people | {"mask": written})


@pytest.mark.parametrize("form", ["rle", "coco_rle", "polygon"])
def test_classes_of_pixels_in_every_form_are_told_and_drawn_alike(form: str) -> None:
    preds = np.zeros((60, 80), dtype=np.uint8)
    preds[40:50, :60], preds[50:, :] = 8, 15
    probs = np.ones(preds.shape, dtype=np.float32)
    listed = [
        {"class": one.class_id, "mask": parsed(MASK_FORMATS[form](one.counts, (60, 80))), "prob": 1.0}
        for one in regions(preds, probs)
    ]
    plain = {"preds": preds.tolist(), "probs": probs.tolist()}
    assert_alike("semantic_segmentation", plain, {"preds": listed})
    pictures = {"preds": base64_png(preds), "probs": base64_png(np.full_like(preds, 255))}
    assert_alike("semantic_segmentation", plain, pictures)
    assert_alike("semantic_segmentation", plain, {"preds": preds, "probs": probs})


def assert_alike(service: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert summarise(service, one) == summarise(service, other)
    picture = Image.new("RGB", (80, 60), "gray")
    drawn, other_drawn = (np.asarray(annotate(service, answer, picture)) for answer in (one, other))
    assert np.array_equal(drawn, other_drawn)
    assert not np.array_equal(drawn, np.asarray(picture))


def parsed(value: object) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))


def test_masks_are_drawn_where_they_are_on_a_reduced_picture() -> None:
    mask = np.zeros((600, 800), dtype=bool)
    mask[:300, :400] = True
    answer = {"human_ratio": "0.25", "mask": mask}
    drawn = annotate(
        "foreground_segmentation", answer, Image.new("RGB", (800, 600), "white"), longest_side=80
    )
    assert drawn.size == (80, 60)
    kept = (np.asarray(drawn) == 255).all(axis=2)
    assert np.array_equal(kept, mask[5::10, 5::10])
