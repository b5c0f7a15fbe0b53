"""The matting net's names, and what is left of it on a single picture.

Its published weights are out of reach here. The layout is held against what others say of that file:

* the authors' own modules (PeterL1n/RobustVideoMatting, `model/`), built once: `LAYOUT` is their state
  dict's. With weights from there the alpha of this module was theirs to the last bit;
* the paper's table of models: 3.749 million parameters;
* the authors' conversion for the browser (`model/model.json` of their branch for TensorFlow.js) and the one
  for TensorFlow (`model/load_weights.py`), which list the published kernels by shape, and by name.
"""

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from export.torch_nets.robust_video_matting import (  # noqa: E402
    FirstFrame,
    RobustVideoMatting,
    ServedMatting,
)
from tests.unit.export.torch_nets.layout import assert_shapes, layout, seeded  # noqa: E402

LAYOUT = "735a20f6d08c1d5264aa824194673d4f336f3457c48457a4fbfaf4b85c844b98"
PARAMETERS = 3_748_633

IN_THE_BROWSER = {
    "backbone.features.0.0.weight": (16, 3, 3, 3),
    "backbone.features.1.block.0.0.weight": (16, 1, 3, 3),
    "backbone.features.2.block.0.0.weight": (64, 16, 1, 1),
    "backbone.features.4.block.1.0.weight": (72, 1, 5, 5),
    "backbone.features.15.block.2.fc1.weight": (240, 960, 1, 1),
    "backbone.features.15.block.2.fc2.weight": (960, 240, 1, 1),
    "decoder.decode4.gru.ih.0.weight": (128, 128, 3, 3),
    "decoder.decode3.gru.ih.0.weight": (80, 80, 3, 3),
    "decoder.decode2.gru.ih.0.weight": (40, 40, 3, 3),
    "decoder.decode1.gru.ih.0.bias": (32,),
}

UNREAD = ("project_seg.", "refiner.")
"""What of the checkpoint does not matter to a picture at ratio 1."""


@pytest.fixture(scope="module")
def net() -> RobustVideoMatting:
    net = seeded(RobustVideoMatting())
    net.project_mat["conv"].bias.data[3] = 0.5
    return net


def picture(height: int, width: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_the_layout_is_the_published_one(net: RobustVideoMatting) -> None:
    state = net.state_dict()
    assert layout(state) == LAYOUT
    assert sum(one.numel() for one in net.parameters()) == PARAMETERS
    assert_shapes(state, IN_THE_BROWSER)


@pytest.mark.parametrize("sides", [(16, 16), (64, 96)])
def test_alpha_is_of_every_pixel_and_within_0_and_1(net: RobustVideoMatting, sides: tuple[int, int]) -> None:
    with torch.no_grad():
        alpha = net(picture(*sides))
    assert alpha.shape == (2, *sides)
    assert 0 <= alpha.min() < alpha.max() <= 1


@pytest.mark.parametrize(("found", "alpha"), [(-0.5, 0), (0.25, 0.25), (1.5, 1)])
def test_alpha_is_the_plane_after_the_colours_and_is_clipped(found: float, alpha: float) -> None:
    net = RobustVideoMatting()
    net.eval()
    last = net.project_mat["conv"]
    torch.nn.init.zeros_(last.weight)
    last.bias.data = torch.tensor([7.0, 8.0, 9.0, found])
    with torch.no_grad():
        assert net(picture(16, 32, count=1)).unique().tolist() == [alpha]


def test_every_weight_counts_but_those_of_training_and_of_smaller_ratios(net: RobustVideoMatting) -> None:
    net.zero_grad()
    net(picture(64, 64)).sum().backward()
    silent = {
        name for name, one in net.named_parameters() if one.grad is None or not one.grad.count_nonzero()
    }
    assert silent == {name for name, _ in net.named_parameters() if name.startswith(UNREAD)}


def test_of_the_recurrent_unit_what_reads_the_state_is_silent(net: RobustVideoMatting) -> None:
    net.zero_grad()
    net(picture(64, 64)).sum().backward()
    gru = net.decoder.decode2.gru
    gates, candidate = gru.ih[0].weight.grad, gru.hh[0].weight.grad
    assert gates[20:, :20].count_nonzero()
    assert not gates[:20].count_nonzero()
    assert not gates[:, 20:].count_nonzero()
    assert candidate[:, :20].count_nonzero()
    assert not candidate[:, 20:].count_nonzero()


def test_the_first_frame_is_a_gated_recurrent_unit_whose_state_is_zero() -> None:
    """Ballas et al., 2016, in the form of the paper's equation 1, written out with its state."""
    unit = seeded(FirstFrame(6))
    x, h = torch.randn(2, 6, 7, 5, generator=torch.Generator().manual_seed(2)), torch.zeros(2, 6, 7, 5)
    with torch.no_grad():
        reset, update = unit.ih(torch.cat((x, h), dim=1)).split(6, dim=1)
        candidate = unit.hh(torch.cat((x, reset * h), dim=1))
        expected = (1 - update) * h + update * candidate
        assert expected.std() > 0.01
        torch.testing.assert_close(unit(x), expected)


def test_served_it_reads_bytes_of_red_green_and_blue(net: RobustVideoMatting) -> None:
    pixels = torch.randint(
        0, 256, (1, 32, 48, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)
    )
    planes = torch.stack([pixels[..., channel] for channel in range(3)], dim=1) / 255
    with torch.no_grad():
        alpha = ServedMatting(net)(pixels)
        torch.testing.assert_close(alpha, net(planes))
        assert not torch.allclose(alpha, ServedMatting(net)(pixels.flip(3)), atol=1e-3)
