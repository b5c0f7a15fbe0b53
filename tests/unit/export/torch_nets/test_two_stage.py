"""The two-stage detectors with fixed numbers of candidates against torchvision's own, and their graphs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402
from torch.nn import Module  # noqa: E402
from torch.nn.functional import interpolate  # noqa: E402
from torchvision.models.detection import fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn  # noqa: E402
from torchvision.ops import batched_nms, box_iou  # noqa: E402

from export.ranked_rows import nearest_rows  # noqa: E402
from export.torch_nets.onnx_graph import assert_rows_alike, folded, onnx_graph  # noqa: E402
from export.torch_nets.two_stage import (  # noqa: E402
    COLUMNS,
    ServedFasterRcnn,
    ServedMaskRcnn,
    faster_rcnn,
    mask_rcnn,
    published_layout,
    seed_detector,
)
from tests.unit.export.convert.full.served import (  # noqa: E402
    DETECTORS_EXPORT_WARNS,
    LARGEST_DIFFERENCE,
    operators,
    run,
)
from tests.unit.export.torch_nets.layout import assert_shapes  # noqa: E402
from vision.object_detection import PADDING  # noqa: E402

pytestmark = DETECTORS_EXPORT_WARNS

SIZE = 128
FEWER = {"rpn_pre_nms_top_n_test": 300, "rpn_post_nms_top_n_test": 100}
FEWER_MASKS = {"box_detections_per_img": 40}
"""Than are served, so that the tests are quick; the coarsest levels have fewer anchors all the same."""
LOW = 0.05
PUBLISHED_KEYS = {"faster": 295, "mask": 307}
SOME_PUBLISHED_SHAPES = {
    "backbone.body.conv1.weight": (64, 3, 7, 7),
    "backbone.body.bn1.running_var": (64,),
    "backbone.body.layer4.2.conv3.weight": (2048, 512, 1, 1),
    "backbone.fpn.inner_blocks.0.weight": (256, 256, 1, 1),
    "backbone.fpn.layer_blocks.3.bias": (256,),
    "rpn.head.conv.weight": (256, 256, 3, 3),
    "rpn.head.cls_logits.weight": (3, 256, 1, 1),
    "roi_heads.box_head.fc6.weight": (1024, 12544),
    "roi_heads.box_predictor.cls_score.weight": (91, 1024),
    "roi_heads.box_predictor.bbox_pred.bias": (364,),
}
REFUSED = {"NonZero", "NonMaxSuppression", "RoiAlign", "If", "Loop", "Scan", "Unique", "Compress"}


@dataclass(frozen=True)
class Net:
    """A net as torchvision runs it, without resizing what is `SIZE` large, and as it is served."""

    module: Module
    served: Module
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def faster() -> Net:
    torch.set_num_threads(2)
    net = faster_rcnn(min_size=SIZE, max_size=SIZE, size_divisible=SIZE, **FEWER)
    seed_detector(net)
    return Net(net, ServedFasterRcnn(net, SIZE).eval(), ("boxes", "class_scores"))


@pytest.fixture(scope="module")
def mask() -> Net:
    torch.set_num_threads(2)
    net = mask_rcnn(min_size=SIZE, max_size=SIZE, size_divisible=SIZE, **FEWER, **FEWER_MASKS)
    seed_detector(net)
    return Net(net, ServedMaskRcnn(net, SIZE).eval(), ("boxes", "class_scores", "mask_probs"))


def picture(seed: int, height: int = SIZE, width: int = SIZE) -> Tensor:
    """Coloured spots, float [3, height, width] of 0 to 1."""
    random = torch.Generator().manual_seed(seed)
    return interpolate(torch.rand((1, 3, 12, 12), generator=random), size=(height, width), mode="bilinear")[0]


def square(one: Tensor) -> Tensor:
    """What is served of a picture: float [SIZE, SIZE, 3] of 0 to 255, padded."""
    pixels = torch.full((SIZE, SIZE, 3), PADDING)
    pixels[: one.shape[1], : one.shape[2]] = one.permute(1, 2, 0) * 255
    return pixels


PICTURES = {
    "first": picture(0),
    "second": picture(1),
    "third": picture(2),
    "wide": picture(3, height=SIZE * 3 // 4),
    "high": picture(4, width=105),
}
every_picture = pytest.mark.parametrize("one", PICTURES.values(), ids=list(PICTURES))


def theirs(net: Net, one: Tensor) -> dict[str, Tensor]:
    """torchvision's detections in the picture, and the masks [n, 28, 28] before it pastes them."""
    drawn: list[Tensor] = []
    predictor = getattr(net.module.roi_heads, "mask_predictor", None)
    hook = predictor and predictor.register_forward_hook(lambda *call: drawn.append(call[2]))
    found: dict[str, Tensor]
    with torch.no_grad():
        (found,) = net.module([one])
    if hook:
        hook.remove()
        found["drawn"] = drawn[0][torch.arange(len(found["labels"])), found["labels"]].sigmoid()
    return found


def ours(net: Net, *pictures: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return list(net.served(torch.stack([square(one) for one in pictures])))


def in_pixels(boxes: Tensor) -> Tensor:
    return boxes[..., [1, 0, 3, 2]] * SIZE


def chosen(boxes: Tensor, class_scores: Tensor) -> dict[str, Tensor]:
    """What torchvision chooses among a picture's candidates."""
    rows, classes = torch.nonzero(class_scores[:, 1:] > LOW, as_tuple=True)
    scores, places = class_scores[rows, classes + 1], in_pixels(boxes[rows, classes + 1])
    kept = batched_nms(places, scores, classes, 0.5)[:100]
    return {"boxes": places[kept], "scores": scores[kept], "labels": classes[kept] + 1}


def paired(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Tensor:
    """The partner of each expected detection; all are alike in class, place and score."""
    assert len(found["labels"]) == len(expected["labels"]) > 10
    overlaps = box_iou(expected["boxes"], found["boxes"])
    best, partners = (overlaps * (expected["labels"][:, None] == found["labels"])).max(dim=1)
    assert best.min() > 0.99
    assert len(set(partners.tolist())) == len(partners)
    assert (expected["scores"] - found["scores"][partners]).abs().max() < 1e-3
    assert LOW < expected["scores"].min() < expected["scores"].max() < 0.99
    return partners


@every_picture
def test_faster_rcnns_candidates_give_torchvisions_detections(faster: Net, one: Tensor) -> None:
    boxes, class_scores = ours(faster, one)
    assert boxes.shape == (1, 100, COLUMNS, 4)
    paired(chosen(boxes[0], class_scores[0]), theirs(faster, one))


@every_picture
def test_mask_rcnns_rows_are_torchvisions_detections_and_masks(mask: Net, one: Tensor) -> None:
    boxes, class_scores, mask_probs = ours(mask, one)
    scores, labels = class_scores[0].max(dim=1)
    count = int((scores > 0).sum())
    expected = theirs(mask, one)
    found = {"boxes": in_pixels(boxes[0, :count, 0]), "scores": scores[:count], "labels": labels[:count]}
    partners = paired(found, expected)
    assert (scores.diff() <= 0).all()
    assert ((class_scores[0] > 0).sum(dim=1) == (scores > 0)).all()
    for probs, drawn in zip(mask_probs[0][partners], expected["drawn"], strict=True):
        assert (probs - drawn).norm() <= 1e-3 * drawn.norm()
    assert expected["drawn"].std() > 0.05


@pytest.mark.parametrize("kind", ["faster", "mask"])
def test_a_picture_is_answered_the_same_in_a_batch_and_alone(
    kind: str, request: pytest.FixtureRequest
) -> None:
    net = request.getfixturevalue(kind)
    pair = (PICTURES["first"], PICTURES["wide"])
    together = [one.numpy() for one in ours(net, *pair)]
    for index, one in enumerate(pair):
        alone = [output.numpy() for output in ours(net, one)]
        assert_rows_alike(alone, [output[index : index + 1] for output in together])


@pytest.mark.parametrize("kind", ["faster", "mask"])
def test_pictures_without_anything_are_answered_with_numbers(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """The last is a picture of one pixel: every proposal that lies in it is smaller than a cell."""
    net = request.getfixturevalue(kind)
    blanks = (torch.zeros(3, SIZE, SIZE), torch.ones(3, 1, SIZE), torch.full((3, 1, 1), 0.5))
    for output in ours(net, *blanks):
        assert torch.isfinite(output).all()


def test_rows_that_do_not_count_are_nothing(mask: Net) -> None:
    boxes, class_scores, mask_probs = ours(mask, torch.full((3, 1, 1), 0.5))
    nothing = class_scores[0].amax(dim=1) == 0
    assert nothing.any()
    assert not boxes[0, nothing].any()
    assert not mask_probs[0, nothing].any()


def test_boxes_lie_in_the_picture_and_not_on_its_padding(faster: Net) -> None:
    boxes, class_scores = ours(faster, PICTURES["wide"])
    counting = boxes[0][class_scores[0] > 0]
    assert counting.min() >= 0
    assert counting[:, [0, 2]].max() <= 0.75
    assert counting[:, [1, 3]].max() == 1


def test_a_side_that_the_coarsest_level_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 64"):
        ServedFasterRcnn(faster_rcnn(), 1000)


@pytest.mark.parametrize("kind", ["faster", "mask"])
def test_the_seeded_file_has_the_published_names_which_torchvision_reads(
    kind: str, request: pytest.FixtureRequest
) -> None:
    net = request.getfixturevalue(kind)
    layout = published_layout(net.module)
    assert len(layout) == PUBLISHED_KEYS[kind]
    assert_shapes(layout, SOME_PUBLISHED_SHAPES)
    assert ("roi_heads.mask_head.mask_fcn4.bias" in layout) == (kind == "mask")
    make = {"faster": faster_rcnn, "mask": mask_rcnn}[kind]
    again = make()
    again.load_state_dict(layout, strict=True)
    assert all(
        torch.equal(value, net.module.state_dict()[name]) for name, value in again.state_dict().items()
    )


@pytest.mark.parametrize(
    ("make", "builder"), [(faster_rcnn, fasterrcnn_resnet50_fpn), (mask_rcnn, maskrcnn_resnet50_fpn)]
)
def test_nets_are_those_that_torchvision_builds(make: object, builder: object) -> None:
    """But for what its builder without weights does otherwise: batches are counted by trainable norms."""
    with torch.device("meta"):
        built = builder(weights=None, weights_backbone=None).state_dict()  # type: ignore[operator]
    made = make().state_dict()  # type: ignore[operator]
    assert {name: tuple(value.shape) for name, value in made.items()} == {
        name: tuple(value.shape) for name, value in built.items() if not name.endswith("num_batches_tracked")
    }


def test_normalisations_add_nothing_to_their_variances() -> None:
    """As torchvision sets them when it loads these checkpoints; otherwise boxes move."""
    norms = [part for part in faster_rcnn().modules() if hasattr(part, "running_var")]
    assert len(norms) == 53
    assert {part.eps for part in norms} == {0.0}


@dataclass(frozen=True)
class Exported:
    net: Net
    model: onnx.ModelProto


@pytest.fixture(scope="module", params=["faster", "mask"])
def exported(request: pytest.FixtureRequest) -> Exported:
    net: Net = request.getfixturevalue(request.param)
    example = torch.stack([square(PICTURES["first"]), square(PICTURES["wide"])])
    graph = onnx_graph(net.served, example, "pixels", *net.names, check=assert_rows_alike)
    return Exported(net, folded(graph))


def test_operators_are_plain_and_no_number_of_candidates_follows_from_the_picture(exported: Exported) -> None:
    graph = exported.model.graph
    assert not operators(graph.node) & REFUSED
    assert {node.domain for node in graph.node} <= {"", "ai.onnx"}
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    counts = [int(constants[node.input[1]].item()) for node in graph.node if node.op_type == "TopK"]
    assert len(counts) >= 6
    assert max(counts) <= 1000


@pytest.mark.parametrize("count", [1, 3])
def test_the_graph_computes_what_the_module_computes_for_any_batch(exported: Exported, count: int) -> None:
    pictures = list(PICTURES.values())[-count:]
    batch = torch.stack([square(one) for one in pictures]).numpy()
    computed = run(exported.model, batch)
    expected = dict(
        zip(exported.net.names, (one.numpy() for one in ours(exported.net, *pictures)), strict=True)
    )
    assert list(computed) == list(expected)
    for index in range(count):
        rows = [output[index] for output in computed.values()]
        others = [output[index] for output in expected.values()]
        nearest, _ = nearest_rows(rows, others)
        assert len(set(nearest.tolist())) >= len({row.tobytes() for row in others[1]})
        for one, other in zip(rows, others, strict=True):
            assert np.isfinite(one).all()
            assert other.std() > 0
            difference = np.linalg.norm(one - other[nearest]) / np.linalg.norm(other)
            assert difference <= LARGEST_DIFFERENCE
