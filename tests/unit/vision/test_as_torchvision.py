"""What torchvision's detectors are fed, and how their masks are pasted: against its own functions."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402
from torch import Tensor  # noqa: E402
from torchvision.models.detection.roi_heads import paste_masks_in_image  # noqa: E402
from torchvision.models.detection.transform import GeneralizedRCNNTransform  # noqa: E402

from export.convert.object_tiles import TILES  # noqa: E402
from tests.hazards import encode  # noqa: E402
from tests.unit.vision import stages  # noqa: E402
from vision.instance_segmentation import drawn  # noqa: E402
from vision.object_detection import (  # noqa: E402
    PADDING,
    ObjectDetectionPreprocess,
    ObjectDetectionSettings,
    fitted,
    to_picture,
)
from vision.rle import decode  # noqa: E402
from vision.tensors import Picture  # noqa: E402

SIZE = 64
SETTINGS = ObjectDetectionSettings(
    size=SIZE,
    ample_side=1000,
    fit="padded",
    class_ids=(1,),
    min_score=0.3,
    max_overlap=0.5,
    max_per_class=10,
    max_detections=10,
    tiles=TILES,
)
SIZES = ((48, 64), (64, 48), (300, 100), (100, 301), (33, 21), (64, 64), (5, 200), (499, 500))
every_size = pytest.mark.parametrize("size", SIZES, ids=[f"{height}x{width}" for height, width in SIZES])


def as_torchvision(picture: Picture) -> tuple[Tensor, tuple[int, int]]:
    """The padded square before normalisation, and the picture's (height, width) in it."""
    transform = GeneralizedRCNNTransform(SIZE, SIZE, [0.0] * 3, [1 / 255] * 3, size_divisible=SIZE)
    images, _ = transform.eval()([torch.from_numpy(picture).permute(2, 0, 1) / 255])
    return images.tensors[0].permute(1, 2, 0), images.image_sizes[0]


@every_size
def test_a_picture_is_fitted_and_resampled_alike(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)
    expected, (height, width) = as_torchvision(picture)
    image = stages.payload(encode(Image.fromarray(picture), "PNG"))
    pixels = ObjectDetectionPreprocess(stages.manifest(SETTINGS, ("a",)))(image)["pixels"]
    assert fitted(*size, SETTINGS) == (height, width)
    np.testing.assert_allclose(pixels[:height, :width], expected[:height, :width], atol=0.02)
    beside = np.ones((SIZE, SIZE), dtype=bool)
    beside[:height, :width] = False
    assert (pixels[beside] == PADDING).all()
    assert not expected[torch.from_numpy(beside)].any()


def test_sides_are_rounded_alike_but_for_the_longer_one_which_is_whole() -> None:
    """torchvision multiplies by a quotient, which may come out below the side that it was made for."""
    random = np.random.default_rng(3)
    for height, width in random.integers(1, 300, (300, 2)).tolist():
        if min(height, width) * SIZE < max(height, width):
            continue  # torchvision cannot: it would have no rows or columns
        scale = SIZE / max(height, width)
        theirs = np.floor([height * scale, width * scale])
        difference = np.array(fitted(height, width, SETTINGS)) - theirs
        assert set(difference.tolist()) <= {0, 1}
        assert max(fitted(height, width, SETTINGS)) == SIZE


@every_size
def test_boxes_go_back_as_torchvision_brings_them(size: tuple[int, int]) -> None:
    random = np.random.default_rng(4)
    shares = np.array(fitted(*size, SETTINGS)) / SIZE
    boxes = np.sort(random.random((20, 2, 2)), axis=1).reshape(20, 4) * np.tile(shares, 2)
    ours = to_picture(boxes.astype(np.float32), np.array(size, dtype=np.int32), SETTINGS)
    theirs = boxes * SIZE * np.tile(np.array(size) / (shares * SIZE), 2)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_masks_are_pasted_alike(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = 90, 140
    corners = np.sort(random.random((40, 2, 2)), axis=1).reshape(40, 4)
    boxes = (corners * np.tile((height, width), 2)).astype(np.float32)
    boxes[:10] = np.round(boxes[:10])  # where expanding by a cell may be a whole number of pixels
    boxes[10] = (0, 0, height, width)
    boxes[11] = (3, 4, 3.2, 4.1)
    coarse = random.random((40, 7, 7), dtype=np.float32)
    mask_probs = coarse.repeat(4, axis=1).repeat(4, axis=2)
    pasted = paste_masks_in_image(
        torch.from_numpy(mask_probs)[:, None], torch.from_numpy(boxes[:, [1, 0, 3, 2]]), (height, width)
    )
    expected = pasted[:, 0].numpy() > 0.5
    ours = np.stack(
        [decode(counts, (height, width)) for counts in drawn(mask_probs, boxes, (height, width), 0.5)]
    )
    assert expected.any()
    assert (ours != expected).mean() < 1e-4  # where a value is the threshold but for rounding
