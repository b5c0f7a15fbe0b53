"""What counts of a teacher's labels: where it is sure and the detector agrees."""

import numpy as np
import pytest

pytest.importorskip("torch")

from evaluation.labelled import IGNORED
from training.semantic.taught import agreed

PLANE, BOAT, CAT = 1, 4, 8


def test_labels_count_where_teacher_and_detector_agree() -> None:
    logits = np.zeros((33, 33, 21), dtype=np.float32)
    logits[:, :, 0] = 5
    logits[8:17, 8:17, CAT] = 12  # the detector sees it too
    logits[24:31, 4:13, PLANE] = 12  # it does not
    logits[0:4, 25:33, BOAT] = 5  # as probable as the background
    drawn = np.zeros((20, 40, 40), dtype=np.float32)
    drawn[CAT - 1, 10:20, 10:20] = np.log1p(0.9)
    drawn[BOAT - 1, 30:36, 30:36] = np.log1p(0.9)  # the teacher sees background there
    ids = agreed(logits, drawn)
    expected = {(60, 60): CAT, (135, 40): IGNORED, (5, 145): IGNORED, (132, 132): IGNORED, (100, 60): 0}
    assert {place: ids[place] for place in expected} == expected
