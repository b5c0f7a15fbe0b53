"""Random weights: the same everywhere, and such that a deep net neither fades nor bursts."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torchvision.models import resnet50  # noqa: E402
from torchvision.ops import FrozenBatchNorm2d  # noqa: E402

from export.torch_nets.random_weights import save, set_random_weights  # noqa: E402


def test_a_seed_gives_the_same_weights_whatever_was_drawn_before() -> None:
    nets = [nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        torch.rand(7)
        set_random_weights(net, seed)
    first, again, other = ([*net.state_dict().values()] for net in nets)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_every_weight_is_set_and_nothing_else() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), FrozenBatchNorm2d(4), nn.ConvTranspose2d(4, 2, 2, stride=2))
    net.register_buffer("anchors", torch.full((3,), 7.0))
    net.gamma = nn.Parameter(torch.full((1,), 7.0))
    for value in (*net[0].parameters(), *net[1].buffers(), *net[2].parameters()):
        value.data.fill_(7.0)
    set_random_weights(net)
    left = {name for name, value in net.state_dict().items() if (value == 7.0).any()}
    assert left == {"anchors"}


def test_statistics_are_such_that_nothing_is_divided_by_zero() -> None:
    net = nn.Sequential(nn.BatchNorm2d(500), FrozenBatchNorm2d(500))
    set_random_weights(net)
    for norm in net:
        assert 0.8 <= norm.running_var.min() < norm.running_var.max() <= 1.2
        assert norm.weight.min() > 0
        assert norm.running_mean.abs().max() < 1


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(64, 64, 3, padding=1, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False),
        nn.ConvTranspose2d(64, 32, 4, stride=2, bias=False),
        nn.ConvTranspose2d(64, 64, 4, stride=2, groups=8, bias=False),
    ],
)
def test_a_kernel_keeps_a_signal_through_a_relu(layer: nn.Module) -> None:
    set_random_weights(layer)
    signal = torch.randn(4, 64, 32, 32, generator=torch.Generator().manual_seed(1)).relu()
    with torch.no_grad():
        after = layer(signal)[..., 4:-4, 4:-4].relu()
    assert 0.7 < after.square().mean() / signal.square().mean() < 1.4


def test_a_deep_net_answers_differently_to_different_pictures() -> None:
    net = resnet50()
    set_random_weights(net)
    coarse = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        logits = net.eval()(nn.functional.interpolate(coarse, size=(128, 128)))
    assert torch.isfinite(logits).all()
    assert 1 < logits.std() < 100
    assert logits.std(dim=0).mean() > 0.1


def test_what_is_saved_is_what_pytorch_loads(tmp_path: Path) -> None:
    save({"state_dict": {"a": torch.arange(3.0)}, "epoch": 2}, tmp_path / "a.pth")
    found = torch.load(tmp_path / "a.pth", weights_only=True)
    assert found["epoch"] == 2
    assert found["state_dict"]["a"].tolist() == [0, 1, 2]
