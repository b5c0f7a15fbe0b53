"""Detections with masks: what is cut for the mask net, in which batches, and where its maps are pasted."""

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from modelhub_pictures.errors import NotAnImage
from tests.hazards import Hazard, encode, every_answered, scene
from tests.unit.vision import stages
from tests.unit.vision.stages import payload
from tests.unit.vision.test_object_detection import CAR, PERSON, SETTINGS, found_in, raw
from tests.unit.vision.test_object_detection import manifest as detection_manifest
from vision.instance_segmentation import (
    InstanceMaskSettings,
    InstanceSegmentationPostprocess,
    InstanceSegmentationPreprocess,
)
from vision.manifest import Manifest
from vision.object_detection import ObjectDetectionPreprocess
from vision.rle import Mask, decode
from vision.tensors import Tensors

NET = "mask_net"
MASK = InstanceMaskSettings(size=16, margin=0.1, threshold=0.5, max_regions=2)
CELLS = 56
SIZE = np.array([200, 100], dtype=np.int32)
WHITE = np.full((200, 100, 3), 255, dtype=np.uint8)
NO_MASKS = np.zeros((0, 1, 1), dtype=np.float32)


def manifest() -> Manifest:
    return stages.manifest(MASK, net=NET)


class Net:
    """A mask net that finds what is bright, and remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[NDArray[np.uint8]] = []

    async def __call__(self, name: str, tensors: Tensors) -> Tensors:
        assert name == NET
        regions = tensors["regions"]
        self.batches.append(regions)
        bright = regions.mean(axis=3, dtype=np.float32) / 255
        rows = np.arange(CELLS) * regions.shape[1] // CELLS
        return {"mask_probs": bright[:, rows][:, :, rows]}


def answer(
    scores: dict[tuple[int, int], float],
    picture: NDArray[np.uint8] = WHITE,
    net: Net | None = None,
    size: NDArray[np.int32] = SIZE,
) -> Tensors:
    stage = InstanceSegmentationPostprocess(detection_manifest(), manifest())
    outputs = raw(scores) | {"mask_probs": NO_MASKS}
    return asyncio.run(stage(**outputs, picture=picture, picture_size=size, infer=net or Net()))


def drawn_answer(
    scores: dict[tuple[int, int], float],
    mask_probs: NDArray[np.float32],
    size: NDArray[np.int32] = SIZE,
    mask: Manifest | None = None,
) -> Tensors:
    """What is answered where the detector draws the masks itself; no net may be asked."""
    stage = InstanceSegmentationPostprocess(detection_manifest(mask_threshold=0.5), mask)
    outputs = raw(scores) | {"mask_probs": mask_probs}
    return asyncio.run(stage(**outputs, picture=WHITE, picture_size=size, infer=nobody))


async def nobody(name: str, tensors: Tensors) -> Tensors:
    raise AssertionError(f"{name} was asked of {list(tensors)}")


def masks(found: Tensors, size: NDArray[np.int32] = SIZE) -> list[Mask]:
    ends = np.cumsum(found["detection_masks_lengths"])
    counts = np.split(found["detection_masks_counts"], ends)
    assert not counts.pop().size
    assert np.array_equal(found["detection_masks_size"], size)
    return [decode(one, tuple(size.tolist())) for one in counts]


def test_detections_are_those_of_object_detection() -> None:
    scores = {(0, PERSON): 0.5, (5, CAR): 0.75, (4, PERSON): 0.1}
    expected = found_in(raw(scores))
    found = answer(scores)
    for name, array in expected.items():
        assert np.array_equal(found[name], array)
    assert found.keys() - expected.keys() == {
        "detection_masks_counts",
        "detection_masks_lengths",
        "detection_masks_size",
    }


def test_a_mask_is_what_the_net_finds_and_no_more_than_the_box() -> None:
    picture = np.zeros((200, 100, 3), dtype=np.uint8)
    picture[:60, 10:] = 255  # reaches beyond the box, whose region does, too
    (mask,) = masks(answer({(0, PERSON): 0.9}, picture))
    expected = np.zeros((200, 100), dtype=bool)
    expected[:60, 10:50] = True  # row 0 is the upper left quarter
    assert not mask[100:].any()
    assert not mask[:, 50:].any()
    assert (mask & expected).sum() / (mask | expected).sum() > 0.9


def test_boxes_at_the_pictures_borders_are_filled_to_them() -> None:
    filled = masks(answer({(index, PERSON): 0.9 for index in range(4)} | {(4, CAR): 0.8}))
    for mask in filled:
        rows, columns = np.nonzero(mask)
        inner = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert inner.mean() > 0.9  # black outside the picture costs the corners a little
    assert (np.logical_or.reduce(filled)).mean() > 0.9


def test_masks_are_of_the_picture_that_was_sent_where_a_smaller_one_is_cut_from() -> None:
    small = np.zeros((50, 25, 3), dtype=np.uint8)
    small[5:20, 3:10] = 255
    size = np.array([400, 200], dtype=np.int32)
    (mask,) = masks(answer({(0, PERSON): 0.9}, small, size=size), size)
    expected = np.zeros((400, 200), dtype=bool)
    expected[40:160, 24:80] = True
    assert (mask & expected).sum() / (mask | expected).sum() > 0.85


def test_the_net_reads_regions_in_batches_and_keeps_their_order() -> None:
    picture = np.zeros((200, 100, 3), dtype=np.uint8)
    picture[:, 50:] = 255
    net = Net()
    found = answer({(0, PERSON): 0.9, (1, PERSON): 0.8, (2, CAR): 0.7}, picture, net)
    assert [batch.shape for batch in net.batches] == [(2, 16, 16, 3), (1, 16, 16, 3)]
    assert [bool(mask.any()) for mask in masks(found)] == [False, True, False]


def test_nothing_is_an_answer_with_every_key_and_no_net_is_asked() -> None:
    net = Net()
    found = answer({}, net=net)
    assert {name: (array.shape, array.dtype.name) for name, array in found.items()} == {
        "detection_boxes": ((0, 4), "float32"),
        "detection_scores": ((0,), "float32"),
        "detection_classes": ((0,), "int32"),
        "detection_class_names": ((0,), "object"),
        "detection_masks_counts": ((0,), "int32"),
        "detection_masks_lengths": ((0,), "int32"),
        "detection_masks_size": ((2,), "int32"),
    }
    assert not net.batches


def test_a_box_of_less_than_a_pixel_is_answered() -> None:
    size = np.array([1, 1], dtype=np.int32)
    found = answer({(0, PERSON): 0.9, (4, CAR): 0.8}, np.full((1, 1, 3), 255, dtype=np.uint8), size=size)
    assert [mask.tolist() for mask in masks(found, size)] == [[[False]], [[True]]]


def test_without_any_net_that_draws_masks_there_is_no_stage() -> None:
    with pytest.raises(ValueError, match="draws no masks"):
        InstanceSegmentationPostprocess(detection_manifest(), None)


def test_the_detectors_own_masks_fill_their_boxes() -> None:
    (mask,) = masks(drawn_answer({(3, PERSON): 0.9}, np.ones((6, 28, 28), dtype=np.float32)))
    expected = np.zeros((200, 100), dtype=bool)
    expected[100:, 50:] = True
    assert (mask != expected).sum() <= 2 * 150  # the border's pixels, whose masks fade to nothing


def test_a_detection_has_the_mask_of_its_own_row() -> None:
    mask_probs = np.zeros((6, 28, 28), dtype=np.float32)
    for row in range(6):
        mask_probs[row, : 4 * (row + 1)] = 1  # so many sevenths of the box, from its top
    found = drawn_answer({(2, PERSON): 0.7, (0, CAR): 0.9, (1, PERSON): 0.8}, mask_probs)
    shares = [mask.sum() / (100 * 50) for mask in masks(found)]
    np.testing.assert_allclose(shares, [1 / 7, 2 / 7, 3 / 7], atol=0.02)


def test_where_the_detector_draws_a_mask_net_is_left_alone() -> None:
    found = drawn_answer({(0, PERSON): 0.9}, np.ones((6, 28, 28), dtype=np.float32), mask=manifest())
    assert masks(found)[0].any()


def test_nothing_drawn_is_an_answer_with_every_key() -> None:
    assert {
        name: array.shape for name, array in drawn_answer({}, np.ones((6, 28, 28), np.float32)).items()
    } == {name: array.shape for name, array in answer({}).items()}


def test_drawn_masks_of_less_than_a_pixel_are_answered() -> None:
    size = np.array([1, 1], dtype=np.int32)
    found = drawn_answer({(0, PERSON): 0.9, (4, CAR): 0.8}, np.ones((6, 28, 28), dtype=np.float32), size)
    assert len(masks(found, size)) == 2


def test_what_is_cut_from_is_the_detectors_own_picture() -> None:
    image = payload(encode(scene(), "PNG"))
    tensors = InstanceSegmentationPreprocess(detection_manifest())(image)
    expected = ObjectDetectionPreprocess(detection_manifest())(image)
    assert not expected.pop("picture").size  # no picture goes along where there are no tiles
    assert all(np.array_equal(tensors[name], array) for name, array in expected.items())
    assert np.array_equal(tensors["picture"], np.asarray(scene()))


def test_a_large_picture_is_cut_from_reduced() -> None:
    side = 4 * SETTINGS.ample_side
    image = payload(encode(scene().resize((side, side)), "PNG"))
    tensors = InstanceSegmentationPreprocess(detection_manifest())(image)
    assert tensors["picture_size"].tolist() == [side, side]
    assert tensors["picture"].shape == (SETTINGS.ample_side, SETTINGS.ample_side, 3)


@every_answered
def test_every_hazard_gives_its_upright_size(hazard: Hazard) -> None:
    tensors = InstanceSegmentationPreprocess(detection_manifest())(payload(hazard.make()))
    assert tensors["picture_size"].tolist() == list(hazard.upright[::-1])
    assert tensors["picture"].dtype == np.uint8
    assert tensors["picture"].ndim == 3


def test_a_bad_picture_raises_its_error() -> None:
    with pytest.raises(NotAnImage):
        InstanceSegmentationPreprocess(detection_manifest())(payload(b"\x00\x01"))
