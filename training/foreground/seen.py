"""Where another detector sees persons: `.venv-training/bin/python -m training.foreground.seen`.

It is YOLOX nano, of `../shared/data/teacher`, and is asked of every picture that is a lesson: pictures in
which it sees nobody are lessons of what is not foreground, and where it sees somebody whom the people who
labelled a picture left out nothing is learned.
"""

from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from PIL import Image
from rich.progress import track

from evaluation.labelled import FOLDER
from evaluation.people import KINDS, among_classes, cut_out
from evaluation.photos import EXTRA_FOLDER
from evaluation.photos import FOLDER as PHOTOS
from evaluation.teacher import FOLDER as TEACHERS
from training.files import work_folder

FILE = TEACHERS / "yolox_nano.onnx"
SIDE, GREY = 416, 114
STRIDES = (8, 16, 32)
LEAST_SCORE = 0.25
OF_ALL = 350
"""How many pictures are taken of a set that may or may not show people."""

Person = tuple[float, float, float, float, float]
"""Left, top, right, bottom in sides of the picture, and the score."""


def kept() -> dict[str, list[Person]]:
    """Return what was seen, by the picture's path."""
    return msgspec.json.decode(_file().read_bytes(), type=dict[str, list[Person]])


def unlabelled() -> list[Path]:
    """Return pictures of which nobody knows whether they show people: food, shelves, scenes, all sorts."""
    sets = (
        (FOLDER / "unlabelled" / "images", "*.jpg"),
        (FOLDER / "unlabelled" / "coco", "*.jpg"),
        (FOLDER / "shelves" / "images", "*.jpg"),
        (FOLDER / "scenes" / "images", "[!s]*.jpg"),
        (EXTRA_FOLDER, "scene_*.jpg"),
        (PHOTOS, "*.jpg"),
    )
    return [path for folder, pattern in sets for path in _spread(sorted(folder.glob(pattern)))]


def _spread(paths: list[Path]) -> list[Path]:
    return paths[:: max(1, len(paths) // OF_ALL)]


def persons(path: Path) -> list[Person]:
    """Return the boxes in which YOLOX sees a person, overlapping ones too, the surest first."""
    picture = Image.open(path).convert("RGB")
    scale = SIDE / max(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    square = np.full((SIDE, SIDE, 3), GREY, dtype=np.float32)
    square[: picture.height, : picture.width] = np.asarray(picture)[..., ::-1]
    (rows,) = _session().run(None, {_session().get_inputs()[0].name: square.transpose(2, 0, 1)[None]})
    scores = rows[0, :, 4] * rows[0, :, 5]
    chosen = np.flatnonzero(scores >= LEAST_SCORE)
    corners = _cells()[chosen, :2] + rows[0, chosen, :2]
    centres, halves = corners * _cells()[chosen, 2:], np.exp(rows[0, chosen, 2:4]) * _cells()[chosen, 2:] / 2
    boxes = np.hstack([centres - halves, centres + halves]) / np.array([picture.size * 2])
    found = np.hstack([boxes, scores[chosen, None]])[np.argsort(-scores[chosen])]
    return [tuple(row) for row in found.round(4).tolist()]


@cache
def _cells() -> NDArray[np.float32]:
    """Return column, row and stride of each cell, float32 [3549, 3]."""
    parts = []
    for stride in STRIDES:
        rows, columns = np.indices((SIDE // stride,) * 2).reshape(2, -1)
        parts.append(np.stack([columns, rows, np.full_like(rows, stride)], axis=1))
    return np.concatenate(parts).astype(np.float32)


@cache
def _session() -> InferenceSession:
    options = SessionOptions()
    options.intra_op_num_threads = 1
    return InferenceSession(FILE, options, providers=["CPUExecutionProvider"])


def _file() -> Path:
    return work_folder("foreground") / "seen.json"


def _asked() -> list[Path]:
    labelled = [one.picture for kind in KINDS for one in cut_out(kind, held_out=False)]
    for name in ("voc", "coco"):
        labelled += _spread([one.picture for one in among_classes(name, held_out=False)[1]])
    return [*labelled, *unlabelled()]


def main() -> None:
    """Look at all pictures, and keep what is seen."""
    seen = {str(path.relative_to(FOLDER.parent)): persons(path) for path in track(_asked(), "persons")}
    _file().write_bytes(msgspec.json.encode(seen))


if __name__ == "__main__":
    main()
