"""Which pictures show people, as JSON: `python people_reference.py TEACHER PICTURES.json PEOPLE.json`.

`TEACHER` is a segmentation net for Pascal VOC's classes (TensorFlow Lite, uint8 in, class ids out). Runs in
the conversion environment, and imports nothing of the project.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from tensorflow import lite

PERSON = 15
"""Pascal VOC's class id."""
MIN_SHARE = 0.05


class Teacher:
    """Finds people."""

    def __init__(self, net: Path) -> None:
        self._interpreter = lite.Interpreter(str(net), num_threads=os.cpu_count())
        self._interpreter.allocate_tensors()
        (self._reads,), (self._writes,) = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )

    def share_of_people(self, picture: Path) -> float:
        """Return the share of the picture's pixels that belong to people."""
        _, height, width, _ = self._reads["shape"]
        pixels = np.asarray(Image.open(picture).convert("RGB").resize((width, height)))
        self._interpreter.set_tensor(self._reads["index"], pixels[None])
        self._interpreter.invoke()
        return float((self._interpreter.get_tensor(self._writes["index"]) == PERSON).mean())


def main(net: Path, pictures: Path, output: Path) -> None:
    """Write the paths, of those listed in `pictures`, that show people on over 5% of the picture."""
    teacher = Teacher(net)
    listed = json.loads(pictures.read_text(encoding="utf-8"))
    people = [picture for picture in listed if teacher.share_of_people(Path(picture)) > MIN_SHARE]
    output.write_text(json.dumps(people), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
