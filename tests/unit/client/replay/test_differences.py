"""Known differences between two answers: each is found, and named, and nothing else is."""

import base64
import io
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
from PIL import Image

from gateway.services import SERVICES
from modelhub.replay.compare import compare
from modelhub.replay.measures import DEFINITIONS, tolerances
from tests.unit.client.replay.answers import HEIGHT, WIDTH, Answer, picture
from tests.unit.client.replay.test_compare import beyond, compared, random_answer, values
from vision.rle import encode


def first(service: str, minimum: int = 3) -> Answer:
    """An answer with that many detections, far from each other, of different names."""
    boxes = [[10.0 * index, 5.0, 10.0 * index + 8, 45.0] for index in range(minimum)]
    names = ["tea", "cola", "cat", "dog"][:minimum]
    one = random_answer(service, 1) | {
        "detection_boxes": boxes,
        "detection_scores": [0.9, 0.8, 0.7, 0.6][:minimum],
        "detection_classes": [4, 5, 6, 7][:minimum],
        "detection_class_names": names,
    }
    if service == "ocr":
        one |= {
            "detection_keypoints": [[[t, le], [t, r], [b, r], [b, le]] for t, le, b, r in boxes],
            "detection_texts": ["hello world", "货架商品计数", "x"],
            "detection_texts_ids": [[1] * 11, [2] * 6 + [0] * 5, [3] + [0] * 10],
            "detection_texts_scores": [0.9, 0.8, 0.7],
        }
    if service == "instance_segmentation":
        one["detection_masks"] = [_mask(box) for box in boxes]
    if service == "shelf_counting":
        one["product_count"] = dict.fromkeys(names, 1)
    return one


def _mask(box: list[float]) -> dict[str, object]:
    top, left, bottom, right = map(int, box)
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top:bottom, left:right] = True
    return {"counts": encode(mask).tolist(), "size": [HEIGHT, WIDTH]}


def shifted(one: Answer) -> None:
    one["detection_boxes"][1] = [14.0, 5.0, 22.0, 45.0]  # 4 down of 8: intersection over union 1/3


def nudged(one: Answer) -> None:
    one["detection_boxes"][1][3] += 7.0


def relabelled(one: Answer) -> None:
    one["detection_class_names"][2] = "lion"


def renumbered(one: Answer) -> None:
    one["detection_classes"][0] = 77


def dropped(one: Answer) -> None:
    for name in one:
        if name.startswith("detection_"):
            del one[name][0]


def added(one: Answer) -> None:
    for name in one:
        if name.startswith("detection_"):
            one[name].append(one[name][0])
    one["detection_boxes"][-1] = [50.0, 50.0, 58.0, 75.0]
    if "detection_keypoints" in one:
        one["detection_keypoints"][-1] = [[50.0, 50.0], [50.0, 75.0], [58.0, 75.0], [58.0, 50.0]]


def unsure(one: Answer) -> None:
    one["detection_scores"][1] -= 0.1


def reread(one: Answer) -> None:
    one["detection_texts"][0] = "hallo w0rld"


def rescored(one: Answer) -> None:
    one["detection_texts_scores"][0] -= 0.2


def bent(one: Answer) -> None:
    one["detection_keypoints"][1][2] = [18.0 - 3.0, 45.0 - 4.0]


def half_masked(one: Answer) -> None:
    one["detection_masks"][1] = _mask([10.0, 5.0, 18.0, 25.0])


def miscounted(one: Answer) -> None:
    one["product_count"] = {"tea": 2, "cola": 1}


def overcounted(one: Answer) -> None:
    one["product_count"]["tea"] = 5


def resized(one: Answer) -> None:
    one["ori_img_shape"] = [WIDTH, HEIGHT]


def repainted(one: Answer) -> None:
    one["preds"][:6] = [[(value + 1) % 21 for value in row] for row in one["preds"][:6]]


def less_sure(one: Answer) -> None:
    one["probs"] = [[value * 0.5 for value in row] for row in one["probs"]]


def cropped(one: Answer) -> None:
    one["preds"], one["probs"] = one["preds"][1:], one["probs"][1:]


def unmasked(one: Answer) -> None:
    one["mask"] = [[1 - value for value in row] for row in one["mask"]]


def more_people(one: Answer) -> None:
    one["human_ratio"] = "0.999000"


def likelier(one: Answer) -> None:
    one["class_probs"]["cat"] += 0.08
    one["class_probs"]["dog"] -= 0.08


def renamed_class(one: Answer) -> None:
    one["class_probs"]["lion"] = one["class_probs"].pop("kite")


def moved(one: Answer, *by: float) -> None:
    values = (value + change for value, change in zip(one["class_probs"].values(), by, strict=True))
    one["class_probs"] = dict(zip(one["class_probs"], values, strict=True))


def all_a_little(one: Answer) -> None:
    moved(one, -0.04, 0.04, -0.04, 0.04, -0.04, 0.04, -0.04, 0.04)


def reordered(one: Answer) -> None:
    moved(one, 0, 0, 0, -0.045, -0.045, 0.04, 0.04, 0.01)


def another_class(one: Answer) -> None:
    one["class"], one["class_name"] = 4, "dog"


def another_scene(one: Answer) -> None:
    one["class_name"] = [*one["class_name"][1:], one["class_name"][0]]


def other_scenes(one: Answer) -> None:
    one["class_name"][3:] = ["sea", "shore"]


def less_similar(one: Answer) -> None:
    one["similarity"] = 79.5


def more_similar(one: Answer) -> None:
    one["similarity"] = 83


def farther(one: Answer) -> None:
    one["l2_distance"] += 0.1


def bluer(one: Answer) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(one["out_image"])))).astype(int)
    one["out_image"] = picture((pixels + np.array([0, 0, 30])).clip(0, 255))


def smaller(one: Answer) -> None:
    one["out_image"] = picture(np.zeros((HEIGHT // 2, WIDTH, 3)))


def unnamed(one: Answer) -> None:
    one["extra"] = 1


Change = Callable[[Answer], None]
PERTURBATIONS: list[tuple[str, Change, set[str]]] = [
    ("object_detection", shifted, {"detections.missing", "detections.extra"}),
    ("object_detection", nudged, {"detection_boxes"}),
    ("object_detection", relabelled, {"detection_class_names"}),
    ("object_detection", renumbered, {"detection_classes"}),
    ("object_detection", dropped, {"detections.missing"}),
    ("object_detection", added, {"detections.extra"}),
    ("object_detection", unsure, {"detection_scores"}),
    ("object_detection", unnamed, {"fields.unknown"}),
    ("instance_segmentation", half_masked, {"detection_masks"}),
    ("instance_segmentation", dropped, {"detections.missing"}),
    ("ocr", reread, {"detection_texts"}),
    ("ocr", rescored, {"detection_texts_scores"}),
    ("ocr", bent, {"detection_keypoints"}),
    ("ocr", added, {"detections.extra"}),
    ("shelf_counting", miscounted, {"product_count"}),
    ("shelf_counting", overcounted, {"product_count", "product_count.total"}),
    ("shelf_counting", resized, {"ori_img_shape"}),
    ("semantic_segmentation", repainted, {"preds"}),
    ("semantic_segmentation", less_sure, {"probs"}),
    ("semantic_segmentation", cropped, {"preds", "probs"}),
    ("foreground_segmentation", unmasked, {"mask"}),
    ("foreground_segmentation", more_people, {"human_ratio"}),
    ("image_classification", likelier, {"class_probs"}),
    ("image_classification", renamed_class, {"class_probs.names"}),
    ("image_classification", all_a_little, {"class_probs.variation"}),
    ("image_classification", reordered, {"class_probs.top"}),
    ("image_classification", another_class, {"class", "class_name", "class_name.set"}),
    ("scene_classification", another_scene, {"class_name"}),
    ("scene_classification", other_scenes, {"class_name", "class_name.set"}),
    ("image_similarity", less_similar, {"similarity.side"}),
    ("image_similarity", more_similar, {"similarity"}),
    ("image_similarity", farther, {"l2_distance"}),
    ("image_colorization", bluer, {"out_image"}),
    ("image_colorization", smaller, {"out_image.size"}),
]


def known(service: str) -> Answer:
    if "detection_boxes" in SERVICES[service].fields:
        return first(service)
    one = random_answer(service, 5)
    if service == "image_similarity":
        one["similarity"] = 80.0
    if "class_probs" in one:
        names = list(one["class_probs"])
        one["class_probs"] = dict(zip(names, (0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05, 0.0), strict=True))
        one["class_probs"] |= {"cat": 0.3, "dog": 0.2}
    return one


@pytest.mark.parametrize(
    ("service", "change", "names"),
    PERTURBATIONS,
    ids=[f"{row[0]}-{row[1].__name__}" for row in PERTURBATIONS],
)
def test_a_known_difference_is_found_and_named(service: str, change: Change, names: set[str]) -> None:
    one = known(service)
    two = deepcopy(one)
    change(two)
    comparison = compared(service, one, two)
    assert beyond(comparison) == names
    assert not comparison.alike
    assert comparison.badness[0] == len(names)


def test_every_figure_is_tested_by_a_difference_that_it_names() -> None:
    named = set[str]().union(*(names for _, _, names in PERTURBATIONS))
    elsewhere = {"failure", "fields.missing", "fields.form", "detection_texts_ids"}
    assert named | elsewhere == set(DEFINITIONS)


def test_figures_have_the_values_that_their_definitions_say() -> None:
    def changed(service: str, change: Change) -> dict[str, float]:
        one = known(service)
        two = deepcopy(one)
        change(two)
        return values(compared(service, one, two))

    assert changed("object_detection", nudged)["detection_boxes"] == 7.0
    assert changed("object_detection", dropped)["detections.missing"] == pytest.approx(1 / 3)
    assert changed("object_detection", added)["detections.extra"] == 0.25
    assert changed("object_detection", relabelled)["detection_class_names"] == pytest.approx(1 / 3)
    assert changed("instance_segmentation", half_masked)["detection_masks"] == 0.5
    assert changed("ocr", reread)["detection_texts"] == pytest.approx(2 / 18)
    assert changed("ocr", bent)["detection_keypoints"] == 5.0
    assert changed("shelf_counting", miscounted)["product_count"] == 0.5
    assert changed("shelf_counting", overcounted)["product_count.total"] == pytest.approx(4 / 7)
    assert changed("semantic_segmentation", repainted)["preds"] == 0.1
    assert changed("foreground_segmentation", unmasked)["mask"] == 1.0
    assert changed("image_classification", likelier)["class_probs.variation"] == pytest.approx(0.08)
    assert changed("image_similarity", less_similar)["similarity"] == 0.5


def test_ids_of_characters_are_told_without_their_padding_and_not_judged() -> None:
    one = known("ocr")
    padded = one | {"detection_texts_ids": [[*line, 0, 0] for line in one["detection_texts_ids"]]}
    assert values(compared("ocr", one, padded))["detection_texts_ids"] == 0
    other = one | {"detection_texts_ids": [[id_ + 1 for id_ in line] for line in one["detection_texts_ids"]]}
    comparison = compared("ocr", one, other)
    assert values(comparison)["detection_texts_ids"] == 1
    assert comparison.alike


def test_what_overlaps_is_matched_by_name_before_it_is_called_relabelled() -> None:
    boxes = [[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0]]
    one = first("object_detection", 2) | {"detection_boxes": boxes}
    two = one | {"detection_boxes": boxes[::-1]}
    assert values(compared("object_detection", one, two))["detection_class_names"] == 0


def test_another_tolerance_makes_them_alike() -> None:
    one = known("object_detection")
    two = deepcopy(one)
    nudged(two)
    assert not compared("object_detection", one, two).alike
    assert compare("object_detection", one, two, tolerances(["detection_boxes=7"])).alike
