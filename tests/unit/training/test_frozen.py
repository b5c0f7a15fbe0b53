"""Maps of views that are computed once: what is drawn is what was written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training import frozen  # noqa: E402
from training.frozen import BATCH, Store, Stored  # noqa: E402

SIDE = 8
STORE = Store("test", 2 * BATCH, ((3, SIDE), (3, SIDE // 2)), 2)


class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, pictures: Any) -> tuple[Any, Any]:  # noqa: ANN401 - tensors; torch may be absent
        return pictures, torch.nn.functional.avg_pool2d(pictures, 2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def work_folder(name: str) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        return tmp_path / name

    monkeypatch.setattr(frozen, "work_folder", work_folder)
    return tmp_path


def test_a_view_is_drawn_with_its_maps_and_its_truth(folder: Path) -> None:
    run, random = frozen.runner(Net(), SIDE), np.random.default_rng(3)
    pictures = random.integers(0, 256, (4 * BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    truths = np.arange(4 * BATCH, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2)
    for number in range(2):
        STORE.make(number, lambda views: (run(list(pictures[views])), truths[views]))
    assert sorted(one.name for one in (folder / "test").iterdir()) == ["views_000", "views_001"]
    (whole, half), drawn = Stored(STORE).draw(np.random.default_rng(5), 4 * BATCH)
    order = drawn[:, 0, 0].numpy()
    assert sorted(order) == list(range(4 * BATCH))
    expected = pictures[order].transpose(0, 3, 1, 2) / 127.5 - 1
    assert np.allclose(whole.numpy(), expected, atol=1e-3)
    means = expected.reshape(-1, 3, SIDE // 2, 2, SIDE // 2, 2).mean((3, 5))
    assert np.allclose(half.numpy(), means, atol=2e-3)
