"""The classifier's shapes, and the light that its lessons are seen in."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")  # the training's core imports it

from export.convert.shelf_settings import CLASSIFICATION  # noqa: E402
from training.shelf.classification import product_net, relit  # noqa: E402


def test_the_net_is_small_and_has_a_logit_for_each_product() -> None:
    net, side = product_net().eval(), CLASSIFICATION.size
    with torch.no_grad():
        assert net(torch.zeros(2, 3, side, side)).shape == (2, 171)
    assert sum(one.numel() for one in net.parameters()) < 1_500_000  # 3 MB as float16


def test_light_changes_every_crop_by_itself_and_stays_in_range() -> None:
    crops = np.full((50, 4, 4, 3), 200, dtype=np.uint8)
    lit = relit(crops, np.random.default_rng(0))
    assert lit.dtype == np.uint8
    assert (lit == lit[:, :1, :1]).all()
    assert len(np.unique(lit[:, 0, 0, 0])) > 20
    assert lit.max() == 255
    assert lit.min() > 200 * 0.69
