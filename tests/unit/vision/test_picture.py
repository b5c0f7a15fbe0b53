"""One decode for all: what becomes of every hazard, and of random bytes."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modelhub_pictures.errors import NotAnImage, PictureError, TooManyPixels
from modelhub_pictures.formats import FORMATS
from tests.hazards import SIZE, Hazard, encode, every_answered, every_refused, scene
from vision.picture import decode_image, image_bytes, open_image


@every_answered
def test_a_hazard_becomes_an_upright_rgb_picture(hazard: Hazard) -> None:
    picture = decode_image(hazard.make())
    assert picture.dtype == np.uint8
    assert picture.shape == (*hazard.upright[::-1], 3)


@every_refused
def test_a_hazard_is_refused_with_its_code(hazard: Hazard) -> None:
    with pytest.raises(PictureError) as caught:
        decode_image(hazard.make())
    assert caught.value.code == hazard.code


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_shows_the_same_picture(orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the Pillow transpose that a viewer would undo
    turned = scene().transpose(Image.Transpose(undo[orientation])) if orientation in undo else scene()
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert (decode_image(encode(turned, "PNG", exif=exif)) == np.asarray(scene())).all()


def test_sixteen_bits_keep_their_upper_eight() -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16)
    picture = decode_image(encode(Image.fromarray(values), "PNG"))
    assert picture[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_transparency_shows_white() -> None:
    clear = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    clear.putpixel((1, 0), (255, 0, 0, 255))
    assert decode_image(encode(clear, "PNG"))[0].tolist() == [[255, 255, 255], [255, 0, 0]]


def test_a_colour_key_is_transparent_too() -> None:
    key = Image.new("RGB", (2, 1), (10, 20, 30))
    key.putpixel((1, 0), (1, 2, 3))
    picture = decode_image(encode(key, "PNG", transparency=(10, 20, 30)))
    assert picture[0].tolist() == [[255, 255, 255], [1, 2, 3]]


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", SIZE, "blue"), Image.new("RGB", SIZE, "red")]
    picture = decode_image(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture[0, 0].tolist() == [0, 0, 255]


def test_the_pixel_limit_is_inclusive_and_holds_before_decoding() -> None:
    data = encode(Image.new("RGB", (10, 10)), "PNG")
    assert decode_image(data, max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(TooManyPixels, match="10 x 10 = 100 pixels; the limit is 99"):
        decode_image(data[:60], max_pixels=99)  # the pixels themselves are missing


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_and_its_base64_are_told_apart(kind: str) -> None:
    data = encode(scene(), kind)
    assert image_bytes(data) == data
    assert image_bytes(base64.b64encode(data)) == data
    assert image_bytes(b"data:image/x;base64," + base64.urlsafe_b64encode(data)) == data


def test_a_reduced_jpeg_keeps_twice_the_detail_asked_for() -> None:
    large = encode(scene().resize((1600, 1200)), "JPEG")
    reduced = open_image(large, short_side=100)
    assert min(reduced.size) in range(200, 600)
    assert open_image(large).size == (1600, 1200)


def test_words_are_not_an_image_even_where_base64_may_stand() -> None:
    with pytest.raises(NotAnImage):
        decode_image(b"just words")


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_a_truncated_file_is_not_an_image(kind: str, cut: float) -> None:
    noise = Image.fromarray(np.random.default_rng(5).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    data = encode(noise, kind)
    with pytest.raises(NotAnImage):
        decode_image(data[: int(len(data) * cut)])


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_picture_errors(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode_image(data)


@given(st.data())
def test_a_mutated_file_is_a_picture_or_a_picture_error(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(FORMATS))
    file = bytearray(encode(scene(), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = decode_image(bytes(file), max_pixels=1_000_000)
    except PictureError:
        return
    assert picture.ndim == 3
    assert picture.shape[2] == 3
