"""Which photos colours are learned from, and what is cut from them."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.photos import held_out
from training.colorization import pictures
from training.colorization.pictures import STORED_SIDE, choosing_photos, crops, training_photos

PHOTOS = [Path(f"{number:04d}_n0_thing.jpg") for number in range(800)]


@pytest.fixture(autouse=True)
def _listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "photos_extra").mkdir()
    (tmp_path / "photos_extra" / "scene_1.jpg").touch()
    monkeypatch.setattr(pictures, "FOLDER", tmp_path / "photos")
    monkeypatch.setattr(pictures, "all_photos", lambda: PHOTOS)


def test_no_photo_serves_two_purposes() -> None:
    parts = [set(training_photos()), set(choosing_photos()), set(held_out(PHOTOS))]
    assert [len(part) for part in parts] == [541, 60, 200]
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_crops_are_large_parts_of_photos() -> None:
    across = np.linspace(0, 255, STORED_SIDE).astype(np.uint8)
    ramp = np.broadcast_to(across[None, :, None], (STORED_SIDE, STORED_SIDE, 3))
    cut = crops(np.ascontiguousarray(ramp)[None], 20, 32, np.random.default_rng(0)).astype(int)
    assert cut.shape == (20, 32, 32, 3)
    assert (cut[:, :1] == cut).all()  # only across does the photo change
    rises = cut[:, 0, -1, 0] - cut[:, 0, 0, 0]
    assert np.abs(rises).min() > 0.5 * 255  # with the gamma
    assert 5 <= np.count_nonzero(rises < 0) <= 15  # mirrored


def test_a_steps_crops_are_always_the_same() -> None:
    photos = np.random.default_rng(3).integers(0, 256, (2, STORED_SIDE, STORED_SIDE, 3), np.uint8)
    first, again, other = (crops(photos, 2, 32, np.random.default_rng((1, step))) for step in (7, 7, 8))
    assert (first == again).all()
    assert (first != other).any()
