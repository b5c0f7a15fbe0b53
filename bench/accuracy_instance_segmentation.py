"""How our boxes and masks compare with people's on held-out pictures of COCO: `make accuracy`."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from rich.progress import track

from evaluation.figure import Figure, at_least, not_measured, share_figure
from evaluation.labelled import Labelled, labelled
from evaluation.people import overlap
from evaluation.things import Thing, coco_things
from export.convert.coco import COCO_CLASSES
from modelhub import ModelHub
from modelhub.http import Answer
from vision.nms import overlaps as box_overlaps
from vision.rle import decode

MIN_MASK, MIN_FOUND = 0.73, 0.48
SAME_BOX, SAME_MASK = 0.5, 0.5
SMALLEST = 32 * 32
"""Pixels from which a thing counts in the figures of masks: COCO calls smaller ones small."""
Kind = Literal["bbox", "segm"]
KINDS: tuple[Kind, ...] = ("bbox", "segm")
"""Whether boxes or masks are judged, as `pycocotools` calls it."""
_IDS = {name: one for one, name in COCO_CLASSES.items()}


class Compared(NamedTuple):
    """The answer for a picture, beside what people labelled there."""

    answer: Answer
    things: list[Thing]
    size: tuple[int, int]
    """Height and width."""


def masks(hub: ModelHub) -> Iterator[Figure]:
    """Yield how masks overlap with people's, what share of things has one, and COCO's average precision."""
    name = "instance: overlap with people's masks, where the boxes match"
    if not (pictures := labelled("coco", held_out=True)):
        yield not_measured(name, f"at least {MIN_MASK}")
        return
    some = [_compared(hub, one) for one in track(pictures, "instance", transient=True)]
    shares = [share for one in some for share in shares_of(one)]
    matching = [share for share in shares if share is not None]
    mean = float(np.mean(matching))
    yield at_least(name, mean, MIN_MASK, f"{mean:.3f} of {len(matching)}")
    found = sum(share >= SAME_MASK for share in matching)
    yield share_figure("instance: things found with a mask of overlap 0.5", found, len(shares), MIN_FOUND)
    for kind in KINDS:
        strict, loose = average_precision(some, kind)
        text = f"{loose:.3f}; {strict:.3f}, {len(some)} pictures"
        yield Figure(f"instance: average precision at 0.5; at 0.5 to 0.95, {kind}", text, "", None)


def shares_of(one: Compared) -> list[float | None]:
    """Return for each thing of `SMALLEST` the overlap with the mask of its detection, None without one.

    A thing's detection is the surest of its class whose box overlaps its own by `SAME_BOX`, and which is
    no other thing's.
    """
    names, masks = one.answer["detection_class_names"], one.answer["detection_masks"]
    boxes = np.array(one.answer["detection_boxes"], dtype=np.float32).reshape(-1, 4)
    partners = dict[int, int]()
    for index in np.argsort(-np.array(one.answer["detection_scores"]), kind="stable"):
        near = [_likeness(names[index], boxes[index], thing) for thing in one.things]
        free = [0.0 if number in partners else share for number, share in enumerate(near)]
        if free and max(free) >= SAME_BOX:
            partners[int(np.argmax(free))] = int(index)
    return [
        _overlap(masks[partners[number]], thing.mask) if number in partners else None
        for number, thing in enumerate(one.things)
        if thing.mask is not None and not thing.is_crowd and thing.mask.sum() > SMALLEST
    ]


def average_precision(some: Sequence[Compared], kind: Kind) -> tuple[float, float]:
    """Return the mean at overlaps of 0.5 to 0.95, and that at 0.5, by COCO's own evaluation."""
    truth, categories = COCO(), [{"id": one, "name": name} for one, name in COCO_CLASSES.items()]
    images = [
        dict(zip(("id", "height", "width"), (index, *one.size), strict=True))
        for index, one in enumerate(some)
    ]
    labels = [_labelled(index, thing) for index, one in enumerate(some) for thing in one.things]
    usable = [row for row in labels if kind == "bbox" or "segmentation" in row]
    numbered = [row | {"id": number} for number, row in enumerate(usable, 1)]
    dataset: Any = {"images": images, "categories": categories, "annotations": numbered}
    truth.dataset = dataset
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        answers = enumerate(one.answer for one in some)
        rows: Any = [row for index, answer in answers for row in _detected(index, answer, kind)]
        found = truth.loadRes(rows)
        judge = COCOeval(truth, found, kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0]), float(judge.stats[1])


def _compared(hub: ModelHub, one: Labelled) -> Compared:
    answer = hub.answer("instance_segmentation", one.picture.read_bytes())
    return Compared(answer, list(coco_things(one)), tuple(answer["ori_img_shape"]))


def _likeness(name: str, box: NDArray[np.float32], thing: Thing) -> float:
    if name != thing.name:
        return 0.0
    return float(box_overlaps(box, np.array([thing.box], dtype=np.float32))[0])


def _overlap(mask: Any, truth: NDArray[np.bool_]) -> float:  # noqa: ANN401 - parsed JSON
    return float(overlap(decode(np.array(mask["counts"]), tuple(mask["size"])), truth))


def _labelled(picture: int, thing: Thing) -> dict[str, Any]:
    top, left, bottom, right = thing.box
    row: dict[str, Any] = {
        "image_id": picture,
        "category_id": _IDS[thing.name],
        "iscrowd": int(thing.is_crowd),
    }
    row |= {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}
    if thing.mask is not None:
        row |= {"segmentation": _encoded(thing.mask), "area": int(thing.mask.sum())}
    return row


def _detected(picture: int, answer: Answer, kind: Kind) -> Iterator[dict[str, Any]]:
    fields = (answer[f"detection_{name}"] for name in ("classes", "scores", "boxes", "masks"))
    for category, score, (top, left, bottom, right), mask in zip(*fields, strict=True):
        row = {"image_id": picture, "category_id": category, "score": score}
        if kind == "bbox":
            yield row | {"bbox": [left, top, right - left, bottom - top]}
        else:
            yield row | {"segmentation": _encoded(decode(np.array(mask["counts"]), tuple(mask["size"])))}


def _encoded(mask: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - pycocotools' own
    return coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
