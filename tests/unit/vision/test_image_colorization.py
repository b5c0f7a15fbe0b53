"""What the colouring net is fed, and that its colours leave the picture's luma alone."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from modelhub_pictures.errors import NotAnImage
from tests.hazards import Hazard, encode, every_answered, exif_rotated, scene, sixteen_bit, translucent
from tests.unit.vision.stages import manifest, payload
from vision.image_colorization import (
    ColorizationPostprocess,
    ColorizationPreprocess,
    ColorizationSettings,
    attainable_share,
    chroma_planes,
)
from vision.tensors import Picture

SIDE = 32
NET = manifest(ColorizationSettings(size=SIDE))
TO_RGB = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])
"""Of luma, Cb and Cr (JFIF 1.02)."""

MAPS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(2)),
    elements=st.floats(-128, 127, width=32),
)
LUMAS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


def answered(chroma: NDArray[np.float32], luma: NDArray[np.uint8]) -> Image.Image:
    text: bytes = ColorizationPostprocess()(chroma, luma)["out_image"].item()
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


def even(blue: float, red: float) -> NDArray[np.float32]:
    """A net's map of one colour."""
    return np.full((4, 4, 2), (blue, red), dtype=np.float32)


def luma_of(picture: Picture) -> NDArray[np.float64]:
    luma: NDArray[np.float64] = picture @ np.array([0.299, 0.587, 0.114])
    return luma


def photo_like(height: int, width: int) -> NDArray[np.uint8]:
    """A luma of slow waves over the whole range."""
    y, x = np.mgrid[0:height, 0:width]
    luma: NDArray[np.uint8] = np.rint(127.5 + 127.5 * np.sin(x / 17) * np.cos(y / 23)).astype(np.uint8)
    return luma


@every_answered
def test_every_hazard_gives_the_nets_shape_and_the_upright_size(hazard: Hazard) -> None:
    tensors = ColorizationPreprocess(NET)(payload(hazard.make()))
    assert tensors["pixels"].shape == (SIDE, SIDE, 3)
    assert tensors["luma"].shape == hazard.upright[::-1]
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.uint8)}


def test_a_bad_picture_raises_its_error() -> None:
    with pytest.raises(NotAnImage):
        ColorizationPreprocess(NET)(payload(b"\x00\x01\x02"))


def test_the_net_sees_grey_whatever_the_pictures_colours() -> None:
    tensors = ColorizationPreprocess(NET)(payload(encode(scene(), "PNG")))
    red, green, blue = np.moveaxis(tensors["pixels"], 2, 0)
    assert (red == green).all()
    assert (red == blue).all()
    assert abs(float(red.mean()) - float(tensors["luma"].mean())) < 0.5
    assert red[5, 5] > 250  # the bright square at the top left
    assert red[25, 25] < 200


def test_the_luma_is_jpegs_and_a_grey_pictures_own() -> None:
    grey = photo_like(30, 50)
    for file in (encode(Image.fromarray(grey), "PNG"), encode(Image.fromarray(grey).convert("RGB"), "PNG")):
        assert (ColorizationPreprocess(NET)(payload(file))["luma"] == grey).all()
    coloured = ColorizationPreprocess(NET)(payload(encode(scene(), "PNG")))["luma"]
    assert np.abs(coloured - luma_of(np.asarray(scene()))).max() < 1


def test_sixteen_bits_and_transparency_are_read_as_by_every_service() -> None:
    read = ColorizationPreprocess(NET)
    grey = np.asarray(scene("L"))
    assert (read(payload(sixteen_bit()))["luma"] == grey).all()
    on_white = read(payload(translucent()))["luma"]
    assert np.abs(on_white - (grey / 2 + 127)).max() < 2


def test_a_picture_on_its_side_is_coloured_upright() -> None:
    lying = np.asarray(scene("L"))
    luma = ColorizationPreprocess(NET)(payload(exif_rotated()))["luma"]
    assert luma.shape == lying.shape[::-1]
    assert np.abs(luma.astype(int) - np.rot90(lying, -1)).mean() < 3  # it went through a JPEG


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (300, 2), (48, 64)])
def test_the_answer_has_the_pictures_size(size: tuple[int, int]) -> None:
    picture = answered(even(20, -10), np.full(size, 90, dtype=np.uint8))
    assert picture.format == "JPEG"
    assert (picture.height, picture.width) == size


def test_a_picture_too_long_for_jpeg_is_answered_as_png() -> None:
    luma = np.full((1, 65_501), 100, dtype=np.uint8)
    picture = answered(even(0, 40), luma)
    assert (picture.format, picture.size) == ("PNG", (65_501, 1))
    assert np.abs(np.array(picture.convert("RGB").getpixel((9, 0))) - (100 + 56, 100 - 29, 100)).max() <= 1


def test_without_chroma_a_picture_stays_grey() -> None:
    luma = photo_like(60, 80)
    pixels = np.asarray(answered(even(0, 0), luma).convert("RGB")).astype(int)
    assert (pixels == pixels[..., :1]).all()
    assert np.abs(pixels[..., 0] - luma).max() <= 3


def test_a_colour_is_what_the_net_says_it_is() -> None:
    picture = answered(even(-30, 25), np.full((16, 16), 120, dtype=np.uint8)).convert("RGB")
    expected = TO_RGB @ (120, -30, 25)
    assert np.abs(np.array(picture.getpixel((8, 8))) - expected).max() <= 1.5


def test_the_nets_left_is_the_pictures_left() -> None:
    chroma = np.zeros((8, 8, 2), dtype=np.float32)
    chroma[:, :4, 0] = 60  # blue
    chroma[6:, :, 1] = 60  # red
    pixels = np.asarray(answered(chroma, np.full((80, 160), 120, dtype=np.uint8)).convert("RGB")).astype(int)
    assert (pixels[:50, :60, 2] > pixels[:50, :60, 0] + 60).all()
    assert (np.abs(pixels[:50, 100:] - 120) <= 2).all()
    assert (pixels[70:, 100:, 0] > pixels[70:, 100:, 2] + 60).all()


@given(MAPS)
def test_the_luma_survives_the_strongest_colours(chroma: NDArray[np.float32]) -> None:
    luma = photo_like(64, 64)
    change = luma_of(np.asarray(answered(chroma, luma).convert("RGB"))) - luma
    assert np.abs(change).mean() <= 1
    assert np.percentile(np.abs(change), 99) <= 3


@given(MAPS, LUMAS)
def test_every_colour_can_be_had(chroma: NDArray[np.float32], luma: NDArray[np.uint8]) -> None:
    blue, red = (plane.astype(np.float64) - 128 for plane in chroma_planes(chroma, luma))
    rgb = np.stack([luma, blue, red], axis=2) @ TO_RGB.T
    rounding = 0.5 * np.abs(TO_RGB[:, 1:]).sum(axis=1).max() + 1e-3
    assert rgb.min() >= -rounding
    assert rgb.max() <= 255 + rounding


@given(
    hnp.arrays(np.uint8, 20),
    hnp.arrays(np.float32, (2, 20), elements=st.floats(-128, 127, width=32)),
)
def test_no_more_is_taken_than_needed(luma: NDArray[np.uint8], chroma: NDArray[np.float32]) -> None:
    share = attainable_share(luma[None], *chroma[:, None])[0].astype(np.float64)
    assert ((share >= 0) & (share <= 1)).all()
    rgb = TO_RGB @ np.stack([luma.astype(np.float64), *(chroma * share)])
    at_the_edge = (rgb.min(axis=0) < 0.01) | (rgb.max(axis=0) > 254.99)
    assert (at_the_edge | (share == 1)).all()
    assert rgb.min() >= -0.01
    assert rgb.max() <= 255.01
