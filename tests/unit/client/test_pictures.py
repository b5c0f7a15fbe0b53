"""What may be given as a picture."""

import io
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image, ImageOps

from modelhub.pictures import Picture, sendable
from tests.hazards import SIZE, encode, exif_rotated, scene
from vision.picture import decode_image


def read(picture: Image.Image) -> Image.Image:
    content = sendable(picture)
    assert isinstance(content, bytes)
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_in_memory_keeps_its_pixels(mode: str) -> None:
    pixels = np.random.default_rng(5).integers(0, 255, (7, 9, 4), dtype=np.uint8)
    if mode == "I;16":
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 255)
    else:
        picture = Image.fromarray(pixels).convert(mode)
    again = read(picture)
    assert (again.format, again.mode) == ("PNG", mode)
    np.testing.assert_array_equal(np.asarray(again), np.asarray(picture))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "RGBX", "RGBa", "PA"])
def test_modes_that_png_lacks_are_sent_as_the_gateway_can_read_them(mode: str) -> None:
    picture = Image.new("RGBA" if mode == "RGBa" else "RGB", (9, 7)).convert(mode)
    content = sendable(picture)
    assert isinstance(content, bytes)
    assert decode_image(content).shape == (7, 9, 3)


def test_a_turned_picture_is_sent_upright() -> None:
    turned = Image.open(io.BytesIO(exif_rotated()))
    upright = ImageOps.exif_transpose(turned)
    assert upright.size == turned.size[::-1]
    again = read(turned)
    assert again.size == upright.size
    assert 0x0112 not in again.getexif()
    np.testing.assert_array_equal(np.asarray(again), np.asarray(upright))
    assert turned.getexif()[0x0112] == 6


def test_bytes_and_urls_are_sent_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0file")
    assert sendable(b"\0bytes") == b"\0bytes"
    assert sendable(path) == b"\0file"
    assert sendable("HTTPS://images.example/猫.jpg") == "HTTPS://images.example/猫.jpg"


@pytest.mark.parametrize("mode", ["I", "F", "LAB"])
def test_modes_without_a_defined_look_are_refused_by_their_names(mode: str) -> None:
    with pytest.raises(ValueError, match=f"a picture of mode {mode} cannot be sent: .*; send "):
        sendable(Image.new(mode, (9, 7)))


def test_sixteen_bits_of_any_order_of_bytes_are_sent_as_the_gateway_shows_them() -> None:
    grey = Image.frombytes("I;16B", (1, 1), b"\x80\xff")
    content = sendable(grey)
    assert isinstance(content, bytes)
    assert decode_image(content).tolist() == [[[128, 128, 128]]]


def test_orientation_in_xmp_alone_does_not_turn_a_picture() -> None:
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert read(Image.open(io.BytesIO(encode(scene(), "JPEG", xmp=packet)))).size == SIZE


def test_buffers_and_open_files_are_sent_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0file")
    assert sendable(bytearray(b"\0file")) == sendable(memoryview(b"\0file")) == b"\0file"
    assert sendable(io.BytesIO(b"\0file")) == b"\0file"
    with path.open("rb") as file:
        assert sendable(file) == b"\0file"


@pytest.mark.parametrize(
    "text", ["cat.jpg", "", "ftp://host/cat.jpg", "data:image/png;base64,AAAA", "x" * 10**6]
)
def test_other_text_is_refused_in_a_short_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no http\(s\) URL; give the bytes .* a pathlib.Path") as caught:
        sendable(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (np.zeros((4, 4, 3), np.uint8), "does not say the order of its colours: give PIL.Image.fromarray"),
        (io.StringIO("text"), "StringIO is no picture; give the bytes"),
        (None, "NoneType is no picture; give the bytes"),
        ([b"file"], "list is no picture; give the bytes"),
    ],
)
def test_whatever_else_is_refused_in_a_line_that_names_what_is_taken(picture: object, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        sendable(cast("Picture", picture))
    assert "a pathlib.Path" in str(caught.value)


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        sendable(Path("no/such/file.jpg"))
