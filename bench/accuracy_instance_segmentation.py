"""How alike our masks are to the teacher's in the detections' boxes of held-out photos: `make accuracy`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
from rich.progress import track

from bench.accuracy_foreground import overlap
from bench.figure import Figure
from bench.photos import all_photos, held_out
from bench.voc_teacher import Labels, is_there, teacher_labels
from client.http import Answer, ModelHub
from training.instance.selection import teacher_mask
from vision.masks import pixels_within
from vision.rle import decode

MIN_MEAN = 0.70
CLIENTS = 2


def masks(hub: ModelHub) -> Iterator[Figure]:
    """Yield the mean overlap of our masks and the teacher's, of things that both see."""
    photos = held_out(all_photos())
    name, bar = "instance: overlap with the teacher's mask in the box, mean", f"at least {MIN_MEAN}"
    if not photos or not is_there():
        yield Figure(name, "not measured: the photos are not part of the project", bar, None)
        return
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = pool.map(lambda photo: _answer(hub, photo), photos)
        pairs = zip(answers, teacher_labels(photos), strict=True)
        each = (overlaps(*pair) for pair in track(pairs, "instance", len(photos), transient=True))
        found = list(chain.from_iterable(each))
    mean = float(np.mean(found))
    yield Figure(name, f"{mean:.4f} of {len(found)}", bar, mean >= MIN_MEAN)


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
    return hub.predict("instance_segmentation", photo.read_bytes())
