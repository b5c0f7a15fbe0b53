"""What the uncut TensorFlow graph finds in pictures: `python object_detection_reference.py JOB.json`.

The job: `graph`, the frozen graph; `pictures`, files; `output`, where to write JSON. Runs in the conversion
environment, and imports nothing of the project.
"""

import json
import sys
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import tensorflow as tf
from PIL import Image

OUTPUTS = ("detection_boxes:0", "detection_scores:0", "detection_classes:0", "num_detections:0")


class ReferenceDetection(TypedDict):
    """One detection: COCO's category id, its score, its box (top, left, bottom, right) in pixels."""

    class_id: int
    score: float
    box: list[float]


def load_graph(path: Path) -> Any:  # noqa: ANN401 - TensorFlow ships no types
    """Return a session with the graph in it."""
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
    return tf.compat.v1.Session(graph=graph)


def detect(session: Any, path: Path) -> list[ReferenceDetection]:  # noqa: ANN401 - TensorFlow ships no types
    """Return what the graph itself finds in a picture file, from resizing to non-maximum suppression."""
    picture = np.asarray(Image.open(path).convert("RGB"))
    boxes, scores, classes, count = session.run(OUTPUTS, {"image_tensor:0": picture[None]})
    pixels = boxes[0] * np.tile(picture.shape[:2], 2)
    found = zip(classes[0], scores[0], pixels, strict=True)
    return [
        {"class_id": int(class_id), "score": float(score), "box": box.tolist()}
        for class_id, score, box in list(found)[: int(count[0])]
    ]


def main(job: dict[str, Any]) -> None:
    """Write the detections of every picture by its file's stem."""
    session = load_graph(Path(job["graph"]))
    found = {path.stem: detect(session, path) for path in map(Path, job["pictures"])}
    Path(job["output"]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
