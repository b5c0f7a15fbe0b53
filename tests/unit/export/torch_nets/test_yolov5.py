"""The published YOLOv5: its names, its sizes and its decoded output."""

import pytest

torch = pytest.importorskip("torch")

from export.torch_nets.yolov5 import PUBLISHED_ANCHORS, SIZES, ServedYoloV5, YoloV5  # noqa: E402

PUBLISHED_PARAMETERS = {"n": 1872157, "s": 7235389, "m": 21190557, "l": 46563709, "x": 86749405}
"""What Ultralytics' training prints for each size with COCO's 80 classes."""

SOME_PUBLISHED_KEYS = {
    "model.0.conv.weight",
    "model.0.bn.running_var",
    "model.2.cv1.conv.weight",
    "model.4.m.1.cv2.bn.bias",
    "model.6.m.2.cv1.conv.weight",
    "model.9.cv2.conv.weight",
    "model.13.m.0.cv2.conv.weight",
    "model.23.cv3.bn.num_batches_tracked",
    "model.24.anchors",
    "model.24.m.0.weight",
    "model.24.m.2.bias",
}


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_the_published_number_of_parameters(size: str) -> None:
    with torch.device("meta"):
        net = YoloV5(*SIZES[size], classes=80)
    assert sum(one.numel() for one in net.parameters()) == PUBLISHED_PARAMETERS[size]


def test_the_state_dict_has_the_published_names() -> None:
    keys = set(YoloV5(*SIZES["n"], classes=80).state_dict())
    assert keys >= SOME_PUBLISHED_KEYS
    assert len(keys) == 349  # as in yolov5n.pt


def test_anchors_are_stored_in_cells() -> None:
    anchors = YoloV5(*SIZES["n"], classes=1).state_dict()["model.24.anchors"]
    assert anchors.shape == (3, 3, 2)
    assert anchors[2, 0].tolist() == [116 / 32, 90 / 32]


def test_the_maps_and_candidates_have_the_published_shapes() -> None:
    net = YoloV5(*SIZES["n"], classes=2).eval()
    with torch.no_grad():
        maps = net(torch.zeros(2, 3, 64, 96))
    assert [tuple(one.shape) for one in maps] == [(2, 3, 8, 12, 7), (2, 3, 4, 6, 7), (2, 3, 2, 3, 7)]
    assert net.decode(maps).shape == (2, 3 * (8 * 12 + 4 * 6 + 2 * 3), 7)


def test_decoding_by_hand() -> None:
    net = YoloV5(*SIZES["n"], classes=1)
    maps = [torch.zeros(1, 3, side, side, 6) for side in (4, 2, 1)]
    maps[0][0, 1, 2, 3] = torch.tensor([0.5, -0.5, 0.3, -0.3, 2.0, 1.0])
    candidates = net.decode(maps)
    sigmoid = torch.tensor([0.5, -0.5, 0.3, -0.3, 2.0, 1.0]).sigmoid().tolist()
    width, height = PUBLISHED_ANCHORS[0][1]
    expected = [
        (3 - 0.5 + 2 * sigmoid[0]) * 8,
        (2 - 0.5 + 2 * sigmoid[1]) * 8,
        (2 * sigmoid[2]) ** 2 * width,
        (2 * sigmoid[3]) ** 2 * height,
        sigmoid[4],
        sigmoid[5],
    ]
    assert candidates[0, 16 + 2 * 4 + 3].tolist() == pytest.approx(expected, rel=1e-6)
    # Logits of nothing: the middle of the cell, the anchor's own size, one half.
    assert candidates[0, -1].tolist() == pytest.approx([16, 16, 373, 326, 0.5, 0.5])


def test_served_it_reads_bytes_and_a_row_of_a_batch_is_the_row_alone() -> None:
    torch.manual_seed(0)
    net = ServedYoloV5(YoloV5(*SIZES["n"], classes=1)).eval()
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        together, alone = net(pixels), net(pixels[1:])
    assert together.shape == (2, 252, 6)
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-3)
