"""The catalogue: 171 products that can be told apart by name and by sight."""

import numpy as np
import pytest
from PIL import Image

from evaluation.shelves.products import BRANDS, FLAVOURS_PER_BRAND, SHAPES, catalogue, names
from evaluation.shelves.sprites import MASTER_HEIGHT, YAWS, sprite
from export.paths import TRAINED

SEEN_HEIGHT, SEEN_SIDE = 90, 32
"""A bottle of a full shelf in pixels of the picture, and the side to which crops are squashed here."""
GREY = (120, 115, 110)


def seen(product: int, yaw: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Return what is left of a product at the size that it has on a full shelf."""
    whole = sprite(product, yaw)
    crop = Image.new("RGB", whole.size, GREY)
    crop.paste(whole, (0, 0), whole)
    small = crop.resize((round(SEEN_HEIGHT * whole.width / whole.height), SEEN_HEIGHT))
    return np.asarray(small.resize((SEEN_SIDE, SEEN_SIDE)), dtype=np.float64)


def test_there_are_171_products_of_different_names() -> None:
    assert len(catalogue()) == len(set(names())) == len(BRANDS) * FLAVOURS_PER_BRAND == 171


def test_the_catalogue_is_always_the_same() -> None:
    once = catalogue()
    catalogue.cache_clear()
    assert catalogue() == once


def test_the_class_numbers_are_those_that_the_classifier_was_trained_with() -> None:
    kept = (TRAINED / "shelf_counting_products.txt").read_text(encoding="utf-8")
    assert tuple(kept.splitlines()) == names()


def test_no_two_products_look_alike_on_a_full_shelf() -> None:
    rows = np.stack([seen(product, 1).ravel() for product in range(len(catalogue()))])
    squares = (rows**2).sum(axis=1)
    distances = (squares[:, None] + squares[None] - 2 * rows @ rows.T).clip(0) / rows.shape[1]
    np.fill_diagonal(distances, np.inf)
    assert np.sqrt(distances.min()) > 25  # of 255 levels a channel


@pytest.mark.parametrize("yaw", range(len(YAWS)))
def test_a_sprite_has_its_containers_shape_and_is_cut_out(yaw: int) -> None:
    for product in range(0, 171, 10):
        picture = np.asarray(sprite(product, yaw))
        shape = SHAPES[catalogue()[product].shape]
        assert picture.shape == (MASTER_HEIGHT, round(MASTER_HEIGHT * shape.aspect), 4)
        covered = (picture[..., 3] > 127).mean(axis=1)
        widest = max(half for _, half in shape.profile)
        assert covered.max() == pytest.approx(widest, abs=0.03)
        assert covered[0] == pytest.approx(shape.profile[0][1], abs=0.06)
