"""DeOldify's names, its layers against PyTorch's own, and the chroma that is taken from its colours.

Its published weights are out of reach here. The layout is held against what others say of that file:

* DeOldify's own `DynamicUnetDeep`, built once on the layers of fastai 1.0.51: `LAYOUT` is its state dict's.
  With weights from there the colours of this module differed by 8e-7 (relative L2), before folding and after;
* ColorfulSoft/DeOldify.NET (`DeOldify.cs`), which lists every tensor of the file, normalisations folded;
* the file's size, 255,144,681 bytes, as several registries state it: this state dict written by `torch.save`
  in the layout of before PyTorch 1.6 has 255,137,679, the rest being the optimiser's settings;
* two implementations without fastai that read it take a spectral norm's `weight_orig`, `weight_u` and
  `weight_v`, the last shuffle's `weight_g` and `weight_v`, and the state dict under `model`.
"""

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn.utils import spectral_norm, weight_norm  # noqa: E402

from export.torch_nets.deoldify import (  # noqa: E402
    DeOldify,
    SelfAttention,
    ServedDeOldify,
    Shuffle,
    SpectralConv,
    WeightNormConv,
    folded,
)
from tests.unit.export.torch_nets.layout import assert_shapes, layout, seeded  # noqa: E402
from training.colorization.colour import CHROMA, coloured, luma, mixed  # noqa: E402

LAYOUT = "564bfcf86d11d1a4e85b99852e9a9ecb442f17de4f0b1f71a4831595833865b4"
WEIGHTS = 255_070_532
"""Bytes, of a file of 255,144,681: 196 for each of its 378 names and what is pickled with it."""

FOLDED = {
    "layers.0.0.weight": (64, 3, 7, 7),
    "layers.0.6.5.bn2.running_var": (256,),
    "layers.0.7.0.downsample.0.weight": (512, 256, 1, 1),
    "layers.1.weight": (512,),
    "layers.3.0.0.weight": (1024, 512, 3, 3),
    "layers.3.1.2.bias": (512,),
    "layers.4.shuf.conv.0.weight": (1024, 512, 1, 1),
    "layers.4.bn.bias": (256,),
    "layers.4.conv1.0.weight": (768, 512, 3, 3),
    "layers.5.shuf.conv.1.weight": (1536,),
    "layers.5.conv2.2.running_mean": (768,),
    "layers.5.conv2.3.gamma": (1,),
    "layers.5.conv2.3.query.weight": (96, 768, 1, 1),
    "layers.5.conv2.3.value.weight": (768, 768, 1, 1),
    "layers.6.conv2.0.weight": (672, 672, 3, 3),
    "layers.7.shuf.conv.0.weight": (1344, 672, 1, 1),
    "layers.7.conv1.0.weight": (300, 400, 3, 3),
    "layers.8.conv.0.bias": (1200,),
    "layers.8.conv.0.weight": (1200, 300, 1, 1),
    "layers.10.layers.1.0.weight": (303, 303, 3, 3),
    "layers.11.0.bias": (3,),
    "layers.11.0.weight": (3, 303, 1, 1),
}
"""Of DeOldify.NET's list."""

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def net() -> DeOldify:
    return seeded(DeOldify())


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_the_layout_is_the_published_one(net: DeOldify) -> None:
    state = net.state_dict()
    assert layout(state) == LAYOUT
    assert sum(one.numel() * one.element_size() for one in state.values()) == WEIGHTS


def test_what_is_folded_has_the_names_and_shapes_of_others_lists() -> None:
    state = folded(DeOldify()).state_dict()
    assert_shapes(state, FOLDED)
    assert not any(name.endswith(("_orig", "_u", "_v", "_g")) for name in state)


def test_folding_changes_nothing_that_is_drawn(net: DeOldify) -> None:
    plain = DeOldify()
    plain.load_state_dict(net.state_dict())
    grey = random(1, 3, 32, 64)
    with torch.no_grad():
        expected = net(grey)
        assert folded(plain.eval()) is plain
        torch.testing.assert_close(plain(grey), expected)
    assert expected.shape == (1, 3, 32, 64)
    assert -3 <= expected.min() < expected.max() <= 3


def test_every_weight_counts(net: DeOldify) -> None:
    net.zero_grad()
    net(random(2, 3, 64, 64)).square().sum().backward()
    silent = [name for name, one in net.named_parameters() if one.grad is None or not one.grad.any()]
    assert not silent


@pytest.mark.parametrize(("kernel", "bias"), [(1, False), (3, True)])
def test_a_spectral_convolution_is_pytorchs_outside_training(kernel: int, bias: bool) -> None:
    theirs = spectral_norm(nn.Conv2d(5, 7, kernel, padding=kernel // 2, bias=bias))
    theirs(random(1, 5, 6, 6))  # training moves the singular vectors
    ours = SpectralConv(5, 7, kernel, bias=bias)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = random(2, 5, 6, 8)
    with torch.no_grad():
        expected = theirs.eval()(x)
        torch.testing.assert_close(ours(x), expected)
        torch.testing.assert_close(ours.plain()(x), expected)


def test_a_spectral_convolution_of_a_flattened_picture_is_one_of_1_x_1() -> None:
    theirs = spectral_norm(nn.Conv1d(5, 7, 1, bias=False)).eval()
    ours = SpectralConv(5, 7, axes=1)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = random(2, 5, 6, 8)
    with torch.no_grad():
        torch.testing.assert_close(ours(x).flatten(2), theirs(x.flatten(2)))


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_a_weight_normed_convolution_is_pytorchs() -> None:
    theirs = weight_norm(nn.Conv2d(5, 7, 1))
    theirs.weight_g.data *= 3
    ours = WeightNormConv(5, 7)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = random(2, 5, 6, 8)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))
        torch.testing.assert_close(ours.plain()(x), theirs(x))


def test_a_shuffle_pads_above_and_to_the_left_and_blurs() -> None:
    shuffle = Shuffle(nn.Identity())
    x = random(2, 12, 3, 5)
    pad = nn.ReplicationPad2d((1, 0, 1, 0))
    expected = nn.AvgPool2d(2, stride=1)(pad(nn.PixelShuffle(2)(x.relu())))
    assert expected.shape == (2, 3, 6, 10)
    torch.testing.assert_close(shuffle(x), expected)


def test_attention_pixel_by_pixel() -> None:
    """Each pixel gets the mean of all values, weighted by how their queries suit its key."""
    attention = seeded(SelfAttention(16))
    attention.gamma.data.fill_(0.7)
    x = random(1, 16, 2, 3)
    with torch.no_grad():
        query, key, value = (
            part(x)[0].flatten(1).numpy() for part in (attention.query, attention.key, attention.value)
        )
        got = attention(x)[0].flatten(1).numpy()
    for pixel in range(6):
        suits = np.exp([query[:, other] @ key[:, pixel] for other in range(6)])
        mean = value @ (suits / suits.sum())
        np.testing.assert_allclose(
            got[:, pixel], x[0].flatten(1)[:, pixel] + 0.7 * mean, rtol=1e-4, atol=1e-5
        )


class Painter(nn.Module):  # type: ignore[misc]  # it is unknown here
    """Stands for the net: keeps what it was given and paints one colour (0 to 1) everywhere."""

    def __init__(self, colour: tuple[float, float, float]) -> None:
        super().__init__()
        self.colour = torch.tensor((np.array(colour) - MEAN) / DEVIATION, dtype=torch.float32)
        self.seen = torch.empty(0)

    def forward(self, grey: Tensor) -> Tensor:
        self.seen = grey
        return self.colour.view(1, 3, 1, 1).expand_as(grey)


def chroma_of(red: float, green: float, blue: float) -> Tensor:
    pixels = torch.full((1, 2, 3, 3), 50, dtype=torch.uint8)
    return ServedDeOldify(Painter((red / 255, green / 255, blue / 255)))(pixels)


def test_the_net_is_fed_in_deviations_from_imagenets_mean() -> None:
    pixels = torch.arange(0, 72, dtype=torch.uint8).reshape(1, 4, 6, 3)
    painter = Painter((0, 0, 0))
    ServedDeOldify(painter)(pixels)
    expected = (pixels.numpy() / 255 - MEAN) / DEVIATION
    np.testing.assert_allclose(painter.seen.permute(0, 2, 3, 1).numpy(), expected, rtol=1e-5, atol=1e-5)


COLOURS = [
    *(RED, GREEN, BLUE, (255, 255, 0), (0, 0, 0), (128, 128, 128), (255, 255, 255)),
    *(tuple(colour) for colour in np.random.default_rng(0).integers(0, 256, (20, 3)).tolist()),
]


@pytest.mark.parametrize("colour", COLOURS)
def test_chroma_is_jpegs(colour: tuple[int, int, int]) -> None:
    chroma = chroma_of(*colour)
    assert chroma.shape == (1, 2, 3, 2)
    _, *expected = Image.new("RGB", (1, 1), colour).convert("YCbCr").getpixel((0, 0))  # type: ignore[misc]
    np.testing.assert_allclose(chroma[0, 0, 0] + 128, expected, atol=1)


def test_chroma_and_the_colours_luma_are_the_colours_again() -> None:
    """In the trainings' units, which are the `lite` net's."""
    for colour in COLOURS:
        rgb = torch.tensor(colour, dtype=torch.float32).view(1, 3, 1, 1)
        chroma = chroma_of(*colour)[:, :1, :1].permute(0, 3, 1, 2)
        torch.testing.assert_close(chroma, mixed(rgb, CHROMA).clamp(max=127), atol=1e-3, rtol=0)
        torch.testing.assert_close(coloured(luma(rgb), chroma), rgb, atol=1, rtol=0)


@pytest.mark.parametrize("grey", [-300, 400])
def test_colours_out_of_range_are_clipped_as_the_source_clips_them(grey: float) -> None:
    """The generator reaches 3 deviations of the mean, beyond black and white, which have no colour."""
    assert chroma_of(grey, grey, grey).abs().max() < 1e-3
    torch.testing.assert_close(chroma_of(900, -900, -900), chroma_of(*RED))


@pytest.mark.parametrize(("colour", "channel"), [(BLUE, 0), (RED, 1)])
def test_the_strongest_colours_fit_a_byte_around_128(colour: tuple[int, int, int], channel: int) -> None:
    assert chroma_of(*colour)[..., channel].max() == 127
