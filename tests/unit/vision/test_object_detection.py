"""The choice of an object detector's detections, and what its net is fed."""

import asyncio

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from export.convert.object_tiles import TILES
from modelhub_pictures.errors import NotAnImage
from tests.hazards import Hazard, encode, every_answered, scene
from tests.unit.vision import stages
from tests.unit.vision.stages import payload
from vision.manifest import Manifest
from vision.object_detection import (
    PADDING,
    ObjectDetectionPostprocess,
    ObjectDetectionPreprocess,
    ObjectDetectionSettings,
    fitted,
    reduced,
    tiles_of,
    to_picture,
)
from vision.resize import resize_bilinear_exact
from vision.tensors import Tensors

SETTINGS = ObjectDetectionSettings(
    size=32,
    ample_side=40,
    fit="squashed",
    class_ids=(1, 3),
    min_score=0.3,
    max_overlap=0.6,
    max_per_class=2,
    max_detections=3,
    tiles=TILES,
)
PADDED = msgspec.structs.replace(SETTINGS, fit="padded")
PERSON, UNUSED, CAR = 1, 2, 3
COLUMNS = 4
SIZE = np.array([200, 100], dtype=np.int32)
QUARTERS = ((0.0, 0.0, 0.5, 0.5), (0.0, 0.5, 0.5, 1.0), (0.5, 0.0, 1.0, 0.5), (0.5, 0.5, 1.0, 1.0))
ROWS = (*QUARTERS, (0.0, 0.0, 1.0, 1.0), (0.375, 0.0, 0.625, 1.0))
"""Where the six rows of the tests' net have their boxes, in sides of its square."""


def manifest(**changes: object) -> Manifest:
    return stages.manifest(msgspec.structs.replace(SETTINGS, **changes), ("person", "car"))


def raw(scores: dict[tuple[int, int], float]) -> Tensors:
    """A net's outputs where (row, column) have these scores, and all others nearly none."""
    class_scores = np.full((len(ROWS), COLUMNS), 1e-4, dtype=np.float32)
    for place, score in scores.items():
        class_scores[place] = score
    return {"boxes": np.array(ROWS, dtype=np.float32)[:, None], "class_scores": class_scores}


def answer(scores: dict[tuple[int, int], float], **changes: object) -> Tensors:
    return found_in(raw(scores), **changes)


def found_in(outputs: Tensors, **changes: object) -> Tensors:
    """The answer for a net's outputs, where the picture is in no tiles."""
    stage = ObjectDetectionPostprocess(manifest(**changes))
    return stage.answer(stage.chosen(**outputs, picture_size=SIZE))


def test_the_answer_is_in_pixels_the_surest_first() -> None:
    found = answer({(0, PERSON): 0.5, (5, CAR): 0.75})
    assert found["detection_boxes"].tolist() == [[75, 0, 125, 100], [0, 0, 100, 50]]
    np.testing.assert_allclose(found["detection_scores"], [0.75, 0.5], atol=1e-6)
    assert found["detection_classes"].tolist() == [CAR, PERSON]
    assert found["detection_class_names"].tolist() == [b"car", b"person"]
    dtypes = {name: array.dtype for name, array in found.items()}
    assert dtypes == {
        "detection_boxes": np.float32,
        "detection_scores": np.float32,
        "detection_classes": np.int32,
        "detection_class_names": np.object_,
    }


def test_background_and_unused_columns_are_no_classes() -> None:
    assert not answer({(0, 0): 0.99, (1, UNUSED): 0.99})["detection_scores"].size


def test_one_box_may_be_two_things() -> None:
    assert answer({(4, PERSON): 0.9, (4, CAR): 0.8})["detection_classes"].tolist() == [PERSON, CAR]


def test_only_what_is_over_the_least_score_is_answered() -> None:
    found = answer({(0, PERSON): 0.301, (3, PERSON): 0.299})
    np.testing.assert_allclose(found["detection_scores"], [0.301], atol=1e-6)


def test_nothing_is_an_answer_with_every_key() -> None:
    found = answer({})
    assert {name: array.shape for name, array in found.items()} == {
        "detection_boxes": (0, 4),
        "detection_scores": (0,),
        "detection_classes": (0,),
        "detection_class_names": (0,),
    }


@pytest.mark.parametrize(
    ("changes", "left"), [({}, 3), ({"max_per_class": 1}, 2), ({"max_detections": 1}, 1)]
)
def test_there_are_limits_of_a_class_and_of_all(changes: dict[str, object], left: int) -> None:
    everywhere = {(anchor, column): 0.9 for anchor in range(4) for column in (PERSON, CAR)}
    assert len(answer(everywhere, **changes)["detection_scores"]) == left


def test_every_class_may_have_a_box_of_its_own() -> None:
    outputs = raw({(4, PERSON): 0.9, (4, CAR): 0.8})
    outputs["boxes"] = outputs["boxes"].repeat(COLUMNS, axis=1)
    outputs["boxes"][4, CAR] = QUARTERS[3]
    found = found_in(outputs)
    assert found["detection_boxes"].tolist() == [[0, 0, 200, 100], [100, 50, 200, 100]]


def test_it_is_known_which_row_a_detection_is() -> None:
    stage = ObjectDetectionPostprocess(manifest())
    found = stage.chosen(**raw({(5, CAR): 0.6, (2, PERSON): 0.7, (4, CAR): 0.9}), picture_size=SIZE)
    assert found.rows.tolist() == [4, 2, 5]


def test_boxes_are_clipped_to_the_picture() -> None:
    outputs = raw({(0, PERSON): 0.9})
    outputs["boxes"][0] = (-0.25, 0.25, 1.25, 0.75)
    found = found_in(outputs)
    assert found["detection_boxes"].tolist() == [[0, 25, 200, 75]]


@pytest.mark.parametrize("box", [(-5.0, 0.0, -4.5, 0.5), (1.0, 0.0, 1.5, 0.5), (0.5, 0.5, 0.5, 0.9)])
def test_a_box_with_nothing_of_the_picture_is_not_answered(box: tuple[float, ...]) -> None:
    outputs = raw({(0, PERSON): 0.9})
    outputs["boxes"][0] = box
    found = found_in(outputs)
    assert not found["detection_scores"].size


def test_boxes_on_the_padding_alone_are_not_answered() -> None:
    found = answer({(1, PERSON): 0.9, (0, CAR): 0.8}, fit="padded")  # 200 x 100: the right half is padding
    assert found["detection_boxes"].tolist() == [[0, 0, 100, 100]]
    assert found["detection_classes"].tolist() == [CAR]


def test_names_and_class_ids_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ObjectDetectionPostprocess(manifest(class_ids=(1, 2, 3)))


@pytest.mark.parametrize("fit", ["squashed", "padded"])
@every_answered
def test_every_hazard_gives_the_nets_shape_and_its_upright_size(hazard: Hazard, fit: str) -> None:
    tensors = ObjectDetectionPreprocess(manifest(fit=fit))(payload(hazard.make()))
    assert tensors["pixels"].shape == (32, 32, 3)
    assert tensors["pixels"].dtype == np.float32
    assert tensors["picture_size"].tolist() == [hazard.upright[1], hazard.upright[0]]
    assert tensors["picture_size"].dtype == np.int32
    assert tensors["picture"].dtype == np.uint8


def test_an_ordinary_picture_is_squashed_as_tensorflow_does() -> None:
    tensors = ObjectDetectionPreprocess(manifest())(payload(encode(scene(), "PNG")))
    expected = resize_bilinear_exact(np.asarray(scene()), 32, 32)
    assert np.array_equal(tensors["pixels"], expected)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((200, 100), (32, 16)),
        ((100, 200), (16, 32)),
        ((99, 100), (31, 32)),
        ((1, 900), (1, 32)),
        ((7, 7), (32, 32)),
    ],
)
def test_padded_the_longer_side_fills_the_square_and_the_ratio_is_kept(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted(*size, PADDED) == expected


def test_a_padded_picture_lies_in_the_upper_left_as_pytorch_resamples_it() -> None:
    picture = scene().crop((0, 0, 60, 30))
    pixels = ObjectDetectionPreprocess(manifest(fit="padded"))(payload(encode(picture, "PNG")))["pixels"]
    expected = resize_bilinear_exact(np.asarray(picture), 16, 32, centred=True)
    assert np.array_equal(pixels[:16], expected)
    assert (pixels[16:] == PADDING).all()
    assert pixels[:16].min() >= 0


@pytest.mark.parametrize("size", [(200, 100), (100, 200), (997, 61), (1, 900), (640, 480)])
def test_boxes_of_what_was_padded_go_back_to_where_they_were(size: tuple[int, int]) -> None:
    random = np.random.default_rng(5)
    boxes = np.sort(random.random((50, 2, 2)), axis=1).reshape(50, 4) * np.tile(size, 2)
    in_square = boxes * np.tile(np.array(fitted(*size, PADDED)) / size, 2) / PADDED.size
    back = to_picture(in_square.astype(np.float32), np.array(size, dtype=np.int32), PADDED)
    np.testing.assert_allclose(back, boxes, rtol=1e-5, atol=1e-3)


def test_a_bad_picture_raises_its_error() -> None:
    with pytest.raises(NotAnImage):
        ObjectDetectionPreprocess(manifest())(payload(b"\x00\x01\x02"))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((79, 79), (79, 79)), ((80, 79), (40, 79)), ((200, 120), (40, 40)), ((10, 401), (10, 41))],
)
def test_long_sides_alone_are_reduced_and_stay_ample(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert reduced(Image.new("RGB", size), 40).size == expected


def test_what_lies_between_samples_is_seen_in_a_large_picture() -> None:
    pixels = np.zeros((320, 320, 3), dtype=np.uint8)
    pixels[:, 1::2] = 255  # columns that a reduction by ten, by points alone, would pass over
    seen = ObjectDetectionPreprocess(manifest())(payload(encode(Image.fromarray(pixels), "PNG")))["pixels"]
    assert 120 < seen.min() <= seen.max() < 135


class ColourNet:
    """Finds what is red all along its square, and remembers how much it saw."""

    def __init__(self) -> None:
        self.calls = 0

    def outputs(self, pixels: NDArray[np.float32]) -> Tensors:
        self.calls += 1
        boxes = np.zeros((8, 1, 4), dtype=np.float32)
        class_scores = np.zeros((8, COLUMNS), dtype=np.float32)
        labels, _ = ndimage.label((pixels[..., 0] > 150) & (pixels[..., 1] < 100))
        for row, (down, across) in enumerate(ndimage.find_objects(labels)):
            boxes[row] = np.array((down.start, across.start, down.stop, across.stop)) / SETTINGS.size
            class_scores[row, PERSON] = 0.9
        return {"boxes": boxes, "class_scores": class_scores}

    async def infer(self, net: str, tensors: Tensors) -> Tensors:
        assert net == "net"
        return {name: array[None] for name, array in self.outputs(tensors["pixels"][0]).items()}


def searched(picture: Image.Image, net: ColourNet, fit: str = "squashed") -> NDArray[np.float32]:
    tensors = ObjectDetectionPreprocess(manifest(fit=fit, max_per_class=50, max_detections=50))(
        payload(encode(picture, "PNG"))
    )
    outputs = net.outputs(tensors.pop("pixels"))
    stage = ObjectDetectionPostprocess(manifest(fit=fit, max_per_class=50, max_detections=50))
    answer = asyncio.run(stage(**outputs, **tensors, infer=net.infer))
    boxes = answer["detection_boxes"]
    in_order: NDArray[np.float32] = boxes[np.lexsort(boxes.T)]
    return in_order


def strip(width: int, *things: tuple[int, int, int, int]) -> Image.Image:
    """A grey picture of 60 rows with red boxes (left, top, right, bottom)."""
    picture = Image.new("RGB", (width, 60), (90, 90, 90))
    for box in things:
        picture.paste((255, 0, 0), box)
    return picture


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("fit", ["squashed", "padded"])
def test_things_of_a_long_picture_are_found_once_each(fit: str, turned: bool) -> None:
    things = [(left, 15, left + 20, 45) for left in range(10, 590, 33)]
    picture = strip(600, *things)
    expected = np.array([(top, left, bottom, right) for left, top, right, bottom in things])
    if turned:
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
        expected = expected[:, [1, 0, 3, 2]]
    net = ColourNet()
    np.testing.assert_allclose(searched(picture, net, fit), expected, atol=4)
    assert 1 < net.calls <= TILES.most + 1


def test_a_thing_longer_than_a_tile_is_found_once() -> None:
    (box,) = searched(strip(400, (30, 10, 370, 50)), ColourNet())
    np.testing.assert_allclose(box, (10, 30, 50, 370), atol=14)


def test_a_picture_twice_as_long_takes_one_search() -> None:
    net = ColourNet()
    assert len(searched(strip(120, (10, 15, 30, 45)), net)) == 1
    assert net.calls == 1


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_tiles_are_bounded_and_cover_the_picture(height: int, width: int) -> None:
    tiles = tiles_of(height, width, SETTINGS)
    assert len(tiles) <= TILES.most
    assert bool(tiles) == (max(height, width) > TILES.max_aspect * min(height, width))
    if tiles:
        assert (tiles[0][0].start, tiles[0][1].start) == (0, 0)
        assert (tiles[-1][0].stop, tiles[-1][1].stop) == (height, width)
