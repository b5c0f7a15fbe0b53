"""What counts of a teacher's labels: where the detector agrees."""

import numpy as np
import pytest

pytest.importorskip("torch")

from evaluation.labelled import IGNORED
from training.semantic.taught import agreed

PLANE, BOAT, CAT = 1, 4, 8


def test_labels_count_where_the_detector_agrees() -> None:
    ids = np.zeros((80, 80), dtype=np.uint8)
    ids[20:40, 20:40], ids[60:78, 10:30] = CAT, PLANE
    drawn = np.zeros((20, 40, 40), dtype=np.float32)
    drawn[CAT - 1, 10:22, 10:22] = np.log1p(0.9)
    drawn[BOAT - 1, 30:36, 30:36] = np.log1p(0.9)
    expected = ids.copy()
    expected[60:78, 10:30] = IGNORED  # it sees no plane
    expected[60:72, 60:72] = IGNORED  # it sees a boat, where the teacher sees background
    np.testing.assert_array_equal(agreed(ids, drawn), expected)
