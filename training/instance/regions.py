"""What the mask net learns from: things that the detector finds, and where the teacher sees each.

    .venv/bin/python -m training.instance.regions    # after the teacher has labelled the views

Runs the served detector over the labelled views. A region is stored with room around it, so that training can
move and scale its window as the detector's boxes err.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evaluation.pipelines import manifest, runner
from evaluation.teacher_masks import VOC_OF_COCO, teacher_mask
from training.instance.stored import MAP_SIDE, MARGINS, REGIONS, ROOM, SIDE
from training.instance.views import LOGITS, VIEWS, photo_views
from vision.nms import Boxes
from vision.object_detection import ObjectDetectionPostprocess
from vision.regions import cut_regions, enlarged
from vision.resize import resize_bilinear_exact
from vision.tensors import Picture

DETECTOR = "object_detection_net"


class Thing(NamedTuple):
    """A detection with a class that the teacher knows and sees there."""

    region: Picture
    """uint8 [SIDE, SIDE, 3]."""
    margins: NDArray[np.float16]
    """[MAP_SIDE, MAP_SIDE], positive on the thing."""


def things(view: Picture, logits: NDArray[np.float32], boxes: Boxes, names: list[str]) -> Iterator[Thing]:
    """Yield what the teacher sees of the detections in one view."""
    labels = enlarged_logits(
        logits, np.array([[0, 0, *view.shape[:2]]], np.float32), view.shape, view.shape[0]
    )
    classes = labels[0].argmax(axis=2)
    wide = enlarged(boxes, ROOM)
    for index, name in enumerate(names):
        if teacher_mask(classes, boxes[index], name) is None:
            continue
        around = wide[index : index + 1]
        maps = enlarged_logits(logits, around, view.shape, MAP_SIDE)[0]
        own = maps[:, :, VOC_OF_COCO[name]].copy()
        maps[:, :, VOC_OF_COCO[name]] = -np.inf
        yield Thing(cut_regions(view, around, SIDE, SIDE)[0], (own - maps.max(axis=2)).astype(np.float16))


def enlarged_logits(
    logits: NDArray[np.float32], boxes: Boxes, shape: tuple[int, ...], side: int
) -> NDArray[np.float32]:
    """Return [n, side, side, C]: logits [g, g, C] at the centres of a grid over each of `boxes`.

    The outermost logits stand on the corners of the picture of `shape`; outside it the nearest holds.
    """
    rows = [_between(logits.shape[0], box[0], box[2], shape[0], side) for box in boxes]
    columns = [_between(logits.shape[1], box[1], box[3], shape[1], side) for box in boxes]
    pairs = zip(rows, columns, strict=True)
    return np.stack([np.einsum("ik,klc,jl->ijc", y, logits, x, optimize=True) for y, x in pairs])


def _between(cells: int, start: float, stop: float, length: int, side: int) -> NDArray[np.float32]:
    """Return weights [side, cells] of linear interpolation at `side` centres between start and stop."""
    centres = start + (np.arange(side) + 0.5) / side * (stop - start)
    places = (centres / length * (cells - 1)).clip(0, cells - 1)
    distances = np.abs(places[:, None] - np.arange(cells))
    return (1 - distances).clip(0).astype(np.float32)


def main() -> None:
    """Write the regions and their margins."""
    views, logits = np.load(VIEWS, mmap_mode="r"), np.load(LOGITS, mmap_mode="r")
    net, detector = runner(DETECTOR), ObjectDetectionPostprocess(manifest(DETECTOR))
    size = np.array(views.shape[1:3], dtype=np.int32)
    found: list[Thing] = []
    for index in track(range(photo_views()), "regions"):
        view = np.asarray(views[index])
        raw = net({"pixels": resize_bilinear_exact(view, 300, 300)[None]})
        answer = detector.answer(detector.chosen(raw["boxes"][0], raw["class_scores"][0], size))
        names = [name.decode() for name in answer["detection_class_names"]]
        found += things(view, logits[index].astype(np.float32), answer["detection_boxes"], names)
    np.save(REGIONS, np.stack([thing.region for thing in found]))
    np.save(MARGINS, np.stack([thing.margins for thing in found]))


if __name__ == "__main__":
    main()
