"""The head's shapes, and the loss, by hand."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from evaluation.labelled import IGNORED  # noqa: E402
from export.paths import PROJECT  # noqa: E402
from training.detector import NET  # noqa: E402
from training.foreground.net import MAPS, SELFIE_SIDE, SIDE, ForegroundNet, Head, Maps  # noqa: E402
from training.foreground.train import LEAST_UNION, OVERLAP_SHARE, loss  # noqa: E402

SURE = 50.0
DETECTOR = PROJECT / "model_repository" / NET / "1" / "model.onnx"


def blind(pictures: Any) -> tuple[Any, Any]:  # noqa: ANN401 - tensors; torch may be absent
    """In place of the selfie net: it sees nobody."""
    count, half = len(pictures), SELFIE_SIDE // 2
    return torch.zeros(count, 16, half, half), torch.zeros(count, 1, SELFIE_SIDE, SELFIE_SIDE)


@pytest.mark.skipif(not DETECTOR.is_file(), reason="needs the exported detector: make export")
def test_the_mirrored_picture_has_the_mirrored_people() -> None:
    net = ForegroundNet(Head(), blind).eval()
    pictures = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        people, mirrored = net(pictures), net(pictures.flip(3))
    assert people.shape == (2, SELFIE_SIDE, SELFIE_SIDE)
    assert torch.allclose(mirrored, people.flip(2), atol=1e-5)


def test_the_head_gives_a_logit_for_each_pixel_of_the_finer_net() -> None:
    maps = Maps(*(torch.zeros(2, channels, side, side) for channels, side in MAPS))
    assert Head().eval()(maps).shape == (2, SELFIE_SIDE, SELFIE_SIDE)


def test_what_is_right_costs_nothing_and_nobody_knows_of_the_rest() -> None:
    truths = torch.tensor([[[0, 1, IGNORED]], [[0, 0, IGNORED]]], dtype=torch.uint8)
    for rest in (-SURE, SURE):
        logits = torch.tensor([[[-SURE, SURE, rest]], [[-SURE, -SURE, rest]]])
        assert loss(logits, truths).item() == pytest.approx(0, abs=1e-5)


def test_people_where_nobody_is_cost_the_whole_overlap() -> None:
    truths = torch.zeros(1, 1, 2, dtype=torch.uint8)
    cost = loss(torch.tensor([[[SURE, -SURE]]]), truths).item()
    assert cost == pytest.approx(SURE / 2 + OVERLAP_SHARE * (1 - LEAST_UNION / (0.5 + LEAST_UNION)), abs=1e-4)
