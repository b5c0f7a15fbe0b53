"""The calibrated map from distances to 0..100, and the stages round the net."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub_pictures.errors import NotAnImage
from tests.hazards import encode, scene
from tests.unit.vision.stages import manifest, payload
from vision.similarity import (
    LARGEST_DISTANCE,
    SimilarityPostprocess,
    SimilarityPreprocess,
    SimilaritySettings,
    similarity,
)

NET = manifest(
    SimilaritySettings(size=32, central_fraction=0.875, same_picture_distance=0.9, fitted_on="nothing")
)


@pytest.mark.parametrize(
    ("distance", "expected"), [(0, 100), (0.45, 90), (0.9, 80), (LARGEST_DISTANCE, 0), (2.0, 0)]
)
def test_the_scale_is_the_contracts(distance: float, expected: float) -> None:
    assert similarity(distance, 0.9) == pytest.approx(expected)


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0.1, 1.3))
def test_a_larger_distance_is_never_more_similar(one: float, other: float, threshold: float) -> None:
    near, far = sorted((one, other))
    assert 0 <= similarity(far, threshold) <= similarity(near, threshold) <= 100
    assert (similarity(far, threshold) < 80) <= (far > threshold)


def test_both_pictures_are_one_batch_in_order() -> None:
    stage = SimilarityPreprocess(NET)
    first, second = encode(scene(), "PNG"), encode(scene().rotate(180), "PNG")
    pixels = stage(payload(first), payload(second))["pixels"]
    assert pixels.shape == (2, 32, 32, 3)
    assert (pixels[::-1] == stage(payload(second), payload(first))["pixels"]).all()


def test_either_bad_picture_raises_its_error() -> None:
    good, bad = payload(encode(scene(), "PNG")), payload(b"\x00\x01")
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(NotAnImage):
            SimilarityPreprocess(NET)(*pair)


def test_the_answer_is_distance_and_similarity() -> None:
    features = np.zeros((2, 8), dtype=np.float32)
    features[0, 0] = features[1, 1] = 1
    answer = SimilarityPostprocess(NET)(features)
    assert answer["l2_distance"].tolist() == pytest.approx([2**0.5])
    assert answer["similarity"].tolist() == pytest.approx([0.0], abs=1e-4)
    same = SimilarityPostprocess(NET)(features[[0, 0]])
    assert same["similarity"].tolist() == [100.0]
    assert same["l2_distance"].tolist() == [0.0]
