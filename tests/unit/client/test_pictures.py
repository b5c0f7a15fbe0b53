"""What may be given as a picture."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from modelhub.pictures import sendable
from tests.hazards import exif_rotated
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


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB", "F", "RGBX", "RGBa", "PA"])
def test_modes_that_png_lacks_are_sent_as_the_gateway_can_read_them(mode: str) -> None:
    base = {"LAB": "RGB", "RGBa": "RGBA"}.get(mode)
    start = Image.new(base or "RGB", (9, 7))
    if mode == "LAB":
        start = Image.frombytes("LAB", (9, 7), bytes(9 * 7 * 3))
    picture = start if start.mode == mode else start.convert(mode)
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


@pytest.mark.parametrize(
    "text", ["cat.jpg", "", "ftp://host/cat.jpg", "data:image/png;base64,AAAA", "x" * 10**6]
)
def test_other_text_is_refused_in_a_short_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no http\(s\) URL; give a file as pathlib.Path") as caught:
        sendable(text)
    assert len(str(caught.value)) < 150


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        sendable(Path("no/such/file.jpg"))
