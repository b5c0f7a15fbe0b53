"""DeepLab V3 as it is served, against the module that torchvision ships."""

import pytest

torch = pytest.importorskip("torch")

from export.torch_nets.deeplab import STRIDE, ServedSegmentation, deeplab  # noqa: E402
from export.torch_nets.random_weights import set_random_weights  # noqa: E402
from export.torch_nets.resnet import Normalisation  # noqa: E402

SIDE, CLASSES = 96, 5


def test_it_is_torchvisions_forward_before_it_enlarges() -> None:
    net = deeplab(CLASSES)
    set_random_weights(net)
    served = ServedSegmentation(net, SIDE).eval()
    random = torch.Generator().manual_seed(1)
    coarse = torch.randint(0, 256, (2, 12, 12, 3), dtype=torch.uint8, generator=random)
    pixels = coarse.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)
    with torch.no_grad():
        ours = served(pixels)
        theirs = net.eval()(Normalisation()(pixels))["out"]
        logits = net.classifier(net.backbone(Normalisation()(pixels))["out"])
        enlarged = torch.nn.functional.interpolate(logits, size=(SIDE, SIDE), mode="bilinear")
    assert ours.shape == (2, SIDE // STRIDE, SIDE // STRIDE, CLASSES)
    torch.testing.assert_close(theirs, enlarged)
    torch.testing.assert_close(ours, logits.softmax(dim=1).permute(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


def test_the_whole_pictures_branch_counts() -> None:
    net = deeplab(CLASSES)
    set_random_weights(net)
    served = ServedSegmentation(net, SIDE).eval()
    pixels = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)
    with torch.no_grad():
        before = served(pixels)
        net.classifier[0].convs[-1][1].weight.zero_()
        assert not torch.equal(before, served(pixels))
