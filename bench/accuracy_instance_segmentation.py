"""How alike our masks are to the teacher's in the detections' boxes of held-out photos: `make accuracy`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.voc_teacher import Labels, answers_and_labels, photos_to_compare
from evaluation.figure import Figure, at_least, not_measured
from evaluation.people import overlap
from evaluation.teacher_masks import teacher_mask
from modelhub import ModelHub
from modelhub.http import Answer
from vision.masks import pixels_within
from vision.rle import decode

MIN_MEAN = 0.70


def masks(hub: ModelHub) -> Iterator[Figure]:
    """Yield the mean overlap of our masks and the teacher's, of things that both see."""
    name = "instance: overlap with the teacher's mask in the box, mean"
    if not (photos := photos_to_compare()):
        yield not_measured(name, f"at least {MIN_MEAN}")
        return
    pairs = answers_and_labels(photos, lambda photo: _answer(hub, photo), "instance")
    found = [share for pair in pairs for share in overlaps(*pair)]
    mean = float(np.mean(found))
    yield at_least(name, mean, MIN_MEAN, f"{mean:.4f} of {len(found)}")


def overlaps(answer: Answer, labels: Labels) -> Iterator[float]:
    """Yield the overlap of each of the answer's masks with the teacher's, where it sees the thing, too."""
    things = zip(
        answer["detection_class_names"], answer["detection_boxes"], answer["detection_masks"], strict=True
    )
    for name, sides, mask in things:
        box = np.array(sides)
        theirs = teacher_mask(labels, box, name)
        if theirs is not None:
            ours = decode(np.array(mask["counts"]), tuple(mask["size"]))
            yield overlap(ours[pixels_within(box, *labels.shape)], theirs)


def _answer(hub: ModelHub, photo: Path) -> Answer:
    return hub.answer("instance_segmentation", photo.read_bytes())
