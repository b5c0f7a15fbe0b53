"""Right answers, measured through the running gateway: `make accuracy`.

Labels and photos are not part of the project; what needs them says so where they are absent.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from bench.accuracy_foreground import foreground
from bench.accuracy_image_colorization import colorization
from bench.accuracy_instance_segmentation import masks
from bench.accuracy_object_detection import detection_parity
from bench.accuracy_ocr import drawn_lines
from bench.accuracy_scenes import scenes
from bench.accuracy_semantic_segmentation import classes_of_pixels
from bench.accuracy_shelf_counting import products
from bench.accuracy_similarity import similarity
from bench.ocr_parity import Parity, Reading, ReadLine, compare
from bench.ocr_pictures import EVERYTHING, PRINTED, parity_pictures
from demo.samples import SAMPLES
from evaluation.figure import WIDTH, Figure, at_least, share_figure, table
from evaluation.photos import all_photos, label
from evaluation.pipelines import runner
from export.paths import PROJECT
from modelhub import ModelHub
from modelhub.present import FONT

REFERENCE_PYTHON = PROJECT / ".venv-reference" / "bin" / "python"
CLIENTS = 4


class Rows(NamedTuple):
    """The input of a net whose rows are tried in a batch and alone."""

    tensor: str
    shape: tuple[int, ...]
    dtype: type[np.generic] = np.uint8


ROWS = {
    "image_classification_net": Rows("pixels", (280, 280, 3)),
    "object_detection_net": Rows("pixels", (300, 300, 3), np.float32),
    "instance_segmentation_mask_net": Rows("regions", (112, 112, 3)),
    "semantic_segmentation_net": Rows("pixels", (320, 320, 3)),
    "shelf_counting_detection_net": Rows("pixels", (640, 640, 3)),
    "shelf_counting_classification_net": Rows("crops", (96, 96, 3)),
    "foreground_segmentation_net": Rows("pixels", (320, 320, 3)),
    "image_colorization_net": Rows("pixels", (192, 192, 3)),
    "ocr_detection_net": Rows("pixels", (320, 480, 3)),
    "ocr_angle_net": Rows("lines", (48, 192, 3)),
    "ocr_recognition_net": Rows("lines", (48, 320, 3)),
}


def top_1(hub: ModelHub) -> Iterator[Figure]:
    """Yield the share of labelled photos whose first class is their label."""
    photos = all_photos()

    def is_right(photo: Path) -> bool:
        answer = hub.answer("image_classification", photo.read_bytes())
        return bool(answer["class"] == label(photo))

    with ThreadPoolExecutor(CLIENTS) as pool:
        right = list(track(pool.map(is_right, photos), "classification", len(photos), transient=True))
    yield share_figure("classification: top-1 on the labelled photos", sum(right), len(right), 0.87)


def ocr_parity(hub: ModelHub) -> Iterator[Figure]:
    """Yield how alike our lines are to RapidOCR's own on the same weights."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder)
        for name, picture in parity_pictures(FONT, SAMPLES):
            picture.save(pictures / f"{name}.png")
        files = sorted(pictures.glob("*.png"))
        ours = {file.stem: our_lines(hub, file) for file in track(files, "OCR", transient=True)}
        parity = compare(reference_lines(pictures), ours, EVERYTHING + PRINTED)
    yield from parity_figures(parity, len(files))


def parity_figures(parity: Parity, pictures: int) -> Iterator[Figure]:
    """Yield the figures of a comparison, and print the lines that differ."""
    for difference in parity.differences:
        readings = f"RapidOCR {difference.reference!r}, here {difference.ours!r}"
        note = ": there RapidOCR is wrong, and it does not count" if difference.reference_is_wrong else ""
        Console(stderr=True).print(f"{difference.picture}: {readings}{note}", soft_wrap=True)
    alike = f"{parity.share_alike:.4f} of {parity.lines} lines in {pictures} pictures"
    yield at_least("OCR: lines read as RapidOCR reads them", parity.share_alike, 0.97, alike)
    largest = float(parity.corner_distances.max(initial=0.0))
    yield Figure("OCR: largest distance of a box corner", f"{largest:.2f} px", "at most 3 px", largest <= 3)


def our_lines(hub: ModelHub, file: Path) -> list[ReadLine]:
    """Return what the service reads in a picture file."""
    answer = hub.answer("ocr", file.read_bytes())
    corners = [np.array(points)[:, ::-1] for points in answer["detection_keypoints"]]
    return [ReadLine(text, xy) for text, xy in zip(answer["detection_texts"], corners, strict=True)]


def reference_lines(pictures: Path) -> Reading:
    """Return what RapidOCR reads in a folder of pictures; it runs in an environment of its own."""
    output = pictures / "lines.json"
    script = PROJECT / "bench" / "ocr_reference.py"
    with Console(stderr=True).status("RapidOCR reads the same pictures"):
        subprocess.run([REFERENCE_PYTHON, script, pictures, output], check=True)
    lines = json.loads(output.read_text(encoding="utf-8"))
    return {
        name: [ReadLine(line["text"], np.array(line["corners"])) for line in found]
        for name, found in lines.items()
    }


def batch_rows(hub: ModelHub) -> Iterator[Figure]:
    """Yield the largest difference between a row in a batch of four and the row alone, for each net."""
    for net, (tensor, shape, dtype) in ROWS.items():
        run = runner(net)
        rows = np.random.default_rng(7).integers(0, 256, (4, *shape)).astype(dtype)
        together = run({tensor: rows})
        worst = 0.0
        for index in range(len(rows)):
            alone = run({tensor: rows[index : index + 1]})
            differences = [np.abs(together[name][index] - alone[name][0]).max() for name in alone]
            worst = max(worst, *(float(difference) for difference in differences))
        yield Figure(f"{net}: a row in a batch against alone", f"{worst:.1e}", "at most 1e-5", worst <= 1e-5)


MEASURES: dict[str, Callable[[ModelHub], Iterator[Figure]]] = {
    "image_classification": top_1,
    "scene_classification": scenes,
    "image_similarity": similarity,
    "object_detection": detection_parity,
    "instance_segmentation": masks,
    "semantic_segmentation": classes_of_pixels,
    "foreground_segmentation": foreground,
    "image_colorization": colorization,
    "shelf_counting": products,
    "ocr": ocr_parity,
    "ocr_pages": drawn_lines,
    "batches": batch_rows,
}


def main() -> None:
    """Measure the gateway that MODELHUB_URL names, or parts of it; status 1 if a bar is missed."""
    with ModelHub(os.environ["MODELHUB_URL"]) as hub:
        figures = [figure for part in sys.argv[1:] or MEASURES for figure in MEASURES[part](hub)]
    Console(width=WIDTH).print(table(figures))
    sys.exit(any(figure.reached is False for figure in figures))


if __name__ == "__main__":
    main()
