"""What the net is fed, and how its map becomes the picture's mask."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from modelhub_pictures.errors import NotAnImage
from tests.hazards import Hazard, every_answered
from tests.unit.vision.stages import manifest, payload
from vision.foreground_segmentation import (
    ForegroundPostprocess,
    ForegroundPreprocess,
    ForegroundSettings,
    foreground_mask,
)

NET = manifest(ForegroundSettings(size=32, threshold=0.5))
MAPS = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(0, 1, width=32)
)
SIDES = st.integers(1, 60)


def answer(alpha: NDArray[np.float32], height: int, width: int) -> tuple[NDArray[np.uint8], str]:
    fields = ForegroundPostprocess(NET)(alpha, np.array([height, width], dtype=np.int32))
    return fields["mask"], fields["human_ratio"].item().decode()


@every_answered
def test_every_hazard_gives_the_nets_shape_and_the_upright_size(hazard: Hazard) -> None:
    tensors = ForegroundPreprocess(NET)(payload(hazard.make()))
    assert tensors["pixels"].shape == (32, 32, 3)
    assert tensors["pixels"].dtype == np.uint8
    assert tuple(tensors["picture_size"][::-1]) == hazard.upright
    assert tensors["picture_size"].dtype == np.int32


def test_a_bad_picture_raises_its_error() -> None:
    with pytest.raises(NotAnImage):
        ForegroundPreprocess(NET)(payload(b"\x00\x01\x02"))


@given(MAPS, SIDES, SIDES)
def test_the_mask_has_the_pictures_size_and_the_ratio_is_its_share(
    alpha: NDArray[np.float32], height: int, width: int
) -> None:
    mask, ratio = answer(alpha, height, width)
    assert mask.shape == (height, width)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 1}
    assert re.fullmatch(r"[01]\.\d{6}", ratio)
    assert float(ratio) == pytest.approx(mask.mean(), abs=1e-6)


@given(MAPS, SIDES, SIDES)
def test_a_surer_map_never_has_less_foreground(alpha: NDArray[np.float32], height: int, width: int) -> None:
    lower, higher = (foreground_mask(alpha, height, width, threshold) for threshold in (0.3, 0.6))
    assert (lower >= higher).all()


def test_a_map_of_the_pictures_size_is_only_compared() -> None:
    alpha = np.array([[0.2, 0.5], [0.51, 1.0]], dtype=np.float32)
    assert foreground_mask(alpha, 2, 2, 0.5).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(("value", "ratio"), [(0.0, "0.000000"), (1.0, "1.000000")])
def test_nobody_and_nothing_else(value: float, ratio: str) -> None:
    mask, told = answer(np.full((32, 32), value, dtype=np.float32), 7, 9)
    assert (mask == value).all()
    assert told == ratio


def test_half_a_picture() -> None:
    alpha = np.zeros((32, 32), dtype=np.float32)
    alpha[:, 16:] = 1
    mask, ratio = answer(alpha, 100, 200)
    assert (mask == ([0] * 100 + [1] * 100)).all()
    assert ratio == "0.500000"


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300_000), (300_000, 1)])
def test_a_ramp_is_cut_in_its_middle_whatever_the_shape(height: int, width: int) -> None:
    ramp = np.linspace(0, 1, 32, dtype=np.float32)
    alpha = np.tile(ramp, (32, 1)) if width >= height else np.tile(ramp[:, None], 32)
    mask = foreground_mask(alpha, height, width, 0.5)
    assert mask.shape == (height, width)
    assert mask.sum() == pytest.approx(mask.size / 2, abs=1)
    assert (np.diff(mask.ravel().astype(int)) >= 0).all()
