"""RapidOCR's own reading of a folder of pictures, as JSON: `python ocr_reference.py PICTURES LINES.json`.

Runs in the environment of `requirements/reference.txt`, and imports nothing of the project.
"""

import json
import sys
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image
from rapidocr import RapidOCR


class ReferenceLine(TypedDict):
    """One line: its text, its score, its corners (x, y) in pixels, clockwise from the top left."""

    text: str
    score: float
    corners: list[list[float]]


def read_picture(reader: RapidOCR, path: Path) -> list[ReferenceLine]:
    """Return what RapidOCR reads in a picture file."""
    rgb = np.asarray(Image.open(path).convert("RGB"))
    result = reader(np.ascontiguousarray(rgb[:, :, ::-1]))  # RapidOCR takes arrays for BGR
    if result.boxes is None:
        return []
    return [
        {"text": text, "score": float(score), "corners": np.asarray(corners, dtype=float).tolist()}
        for text, score, corners in zip(result.txts, result.scores, result.boxes, strict=True)
    ]


def main(pictures: Path, output: Path) -> None:
    """Read every PNG in `pictures` in RapidOCR's default configuration, and write the lines by file stem."""
    reader = RapidOCR(params={"Global.log_level": "critical"})
    lines = {path.stem: read_picture(reader, path) for path in sorted(pictures.glob("*.png"))}
    output.write_text(json.dumps(lines, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
