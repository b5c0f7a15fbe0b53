"""Pooling from one plane of all levels against torchvision's, level by level."""

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402
from torchvision.ops import MultiScaleRoIAlign  # noqa: E402
from torchvision.ops.poolers import LevelMapper  # noqa: E402

from export.torch_nets.region_pooling import STRIDES, RegionPooling, in_one_plane  # noqa: E402

SIZE = 1024
CHANNELS = 3
COUNT = 200


def levels(batch: int = 1, seed: int = 0) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [
        torch.randn((batch, CHANNELS, SIZE // stride, SIZE // stride), generator=random) for stride in STRIDES
    ]


def random_regions(seed: int = 0) -> Tensor:
    """Regions of all sizes, some of them ending with the picture."""
    random = torch.Generator().manual_seed(seed)
    sides = 2 ** (torch.rand((COUNT, 2), generator=random) * 10)
    corners = torch.rand((COUNT, 2), generator=random) * SIZE
    return torch.cat([corners, (corners + sides).clamp(max=SIZE)], dim=1)


SPECIAL = torch.tensor(
    [
        [0.0, 0.0, SIZE, SIZE],
        [SIZE - 0.5, SIZE - 0.5, SIZE, SIZE],  # of less than a cell, which reaches out of the picture
        [SIZE - 2.0, 10.0, SIZE, 900.0],
        [10.0, SIZE - 2.0, 900.0, SIZE],
        [500.0, 500.0, 500.0, 500.0],
        [0.0, 0.0, 0.001, 0.001],
        [0.0, 0.0, 112.0, 112.0],  # of the sides at which the level changes
        [0.0, 0.0, 224.0, 224.0],
        [0.0, 0.0, 448.0, 448.0],
        [0.0, 0.0, 1.0, 1024.0],
    ]
)


def expected(pyramid: list[Tensor], regions: list[Tensor], cells: int) -> Tensor:
    pooling = MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=cells, sampling_ratio=2)
    named = {str(level): features for level, features in enumerate(pyramid)}
    pooled: Tensor = pooling(named, regions, [(SIZE, SIZE)] * len(regions))
    return pooled


@pytest.mark.parametrize("cells", [7, 14])
@pytest.mark.parametrize("regions", [random_regions(), SPECIAL], ids=["random", "special"])
def test_regions_are_pooled_as_torchvision_does(regions: Tensor, cells: int) -> None:
    pyramid = levels()
    pooled = RegionPooling(SIZE, cells, len(regions))(in_one_plane(pyramid, SIZE), regions[None])
    wanted = expected(pyramid, [regions], cells)
    assert pooled.shape == wanted.shape == (len(regions), CHANNELS, cells, cells)
    assert wanted.std() > 0.1
    for ours, theirs in zip(pooled, wanted, strict=True):
        assert (ours - theirs).norm() <= 1e-4 * theirs.norm() + 1e-6


def test_every_picture_has_its_own_features() -> None:
    pyramid, regions = levels(batch=2), torch.stack([random_regions(1), random_regions(2)])
    pooled = RegionPooling(SIZE, 7, COUNT)(in_one_plane(pyramid, SIZE), regions)
    wanted = expected(pyramid, list(regions), 7)
    assert (pooled - wanted).norm() <= 1e-4 * wanted.norm()


def test_all_levels_are_used_and_chosen_as_torchvision_chooses() -> None:
    regions = torch.cat([random_regions(), SPECIAL])
    chosen = RegionPooling(SIZE, 7, len(regions))._levels(regions[None])[0]
    assert torch.equal(chosen, LevelMapper(2, 5)([regions]))
    assert set(chosen.tolist()) == {0, 1, 2, 3}


def test_the_plane_has_every_level_whole() -> None:
    pyramid = levels(batch=2)
    plane = in_one_plane(pyramid, SIZE)
    assert plane.shape == (2, CHANNELS, SIZE // 4, SIZE * 3 // 8)
    assert plane.abs().sum() == pytest.approx(sum(one.abs().sum().item() for one in pyramid), rel=1e-5)
