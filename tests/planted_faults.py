"""`python -m tests.planted_faults`: plants a fault in each of ten places and runs that place's quick tests.

Each fault goes into a copy of the project. The tests have to fail with it. Exit status 1 if some do not.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from embedded.paths import ROOT

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", "weights", "run", "out", "*.onnx", "__pycache__", ".*_cache"
)
LINKED = (".venv", "weights")


class Fault(NamedTuple):
    """One line that is wrong, and where the tests are that have to notice."""

    place: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS = (
    Fault(
        "decode",
        "client/modelhub_pictures/decoding.py",
        "return rgb if turn is None else rgb.transpose(turn)",
        "return rgb",
        "tests/unit/pictures",
    ),
    Fault("NMS", "vision/nms.py", "<= max_overlap", "<= 2 * max_overlap", "tests/unit/vision/test_nms.py"),
    Fault(
        "RLE",
        "vision/rle.py",
        "(times % 2 == 1) & (places < pixels)",
        "places < pixels",
        "tests/unit/vision/test_rle.py",
    ),
    Fault(
        "CTC",
        "vision/ocr/ctc.py",
        "starts & (char_ids != BLANK)",
        "char_ids != BLANK",
        "tests/unit/vision/ocr",
    ),
    Fault(
        "count",
        "vision/shelf_counting.py",
        "counts = product_counts(names)",
        "counts = product_counts(set(names))",
        "tests/unit/vision/test_shelf_counting.py",
    ),
    Fault(
        "admission",
        "gateway/admission.py",
        "        raise TooManyRequests",
        "        pass",
        "tests/unit/gateway/test_admission.py",
    ),
    Fault(
        "token",
        "gateway/tokens.py",
        "hmac.compare_digest(received, right) &",
        "True &",
        "tests/unit/gateway/tokens",
    ),
    Fault(
        "URL policy",
        "gateway/url_policy.py",
        "return address.is_global and not any(",
        "return address.is_global or not any(",
        "tests/unit/gateway/test_url_addresses.py",
    ),
    Fault(
        "config",
        "model_repository/object_detection_net/config.pbtxt",
        "dims: [ 1917, 91 ]",
        "dims: [ 1917, 90 ]",
        "tests/repository",
    ),
    Fault(
        "JSON field",
        "client/modelhub/results/things.py",
        "    detection_class_names: Annotated",
        "    detection_classes_names: Annotated",
        "tests/unit/gateway",
    ),
)


def main() -> int:
    """Print which faults the tests notice."""
    table = Table("place", "line", "tests", "noticed")
    unnoticed = 0
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            noticed = _is_noticed(fault, _copy(Path(folder)))
        unnoticed += not noticed
        table.add_row(fault.place, fault.wrong.strip(), fault.tests, "yes" if noticed else "NO")
    Console().print(table)
    return min(unnoticed, 1)


def _copy(folder: Path) -> Path:
    """Return a copy of the project in `folder`, whose environment and nets are the project's."""
    project = folder / "project"
    shutil.copytree(ROOT, project, symlinks=True, ignore=NOT_COPIED)
    for name in LINKED:
        (project / name).symlink_to(ROOT / name)
    for net in ROOT.glob("model_repository/*/1/model.onnx"):
        (project / net.relative_to(ROOT)).symlink_to(net)
    return project


def _is_noticed(fault: Fault, project: Path) -> bool:
    file = project / fault.file
    text = file.read_text()
    if fault.right not in text:
        raise SystemExit(
            f"{fault.place}: {fault.file} has no {fault.right!r}; tests/planted_faults.py is outdated"
        )
    file.write_text(text.replace(fault.right, fault.wrong))
    environment = os.environ | {"PYTHONPATH": f"{project}:{project / 'client'}"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", fault.tests]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, check=False)
    return done.returncode == 1


if __name__ == "__main__":
    sys.exit(main())
