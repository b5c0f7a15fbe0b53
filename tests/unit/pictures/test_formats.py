"""What begins like a picture is what Pillow would open as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub_pictures.decoding import open_picture
from modelhub_pictures.errors import NotAnImage, PictureError
from modelhub_pictures.formats import FORMATS, HEAD_BYTES, format_of
from tests.hazards import encode, scene
from vision.picture import decode_image

FILES = [encode(scene(), kind) for kind in FORMATS]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_every_format_is_known_by_its_first_bytes(kind: str, mode: str) -> None:
    data = encode(scene(mode), kind)
    assert format_of(data[:HEAD_BYTES]) == format_of(data) == kind
    assert format_of(b" " + data) is None


def test_big_and_little_tiff() -> None:
    for head in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        assert format_of(head) == "TIFF"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF",
        b"<svg",
        b"%PDF-1.7",
        b"BMW is a maker of cars and motorcycles",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        b"\x00\x00\x00\x18ftypheic",
        b"\x00\x00\x01\x00\x01\x00",
    ],
)
def test_others_are_not(data: bytes) -> None:
    assert format_of(data) is None


@given(st.sampled_from(FILES), st.integers(0, HEAD_BYTES - 1), st.binary())
def test_whatever_is_decoded_is_known(data: bytes, index: int, patch: bytes) -> None:
    mutated = data[:index] + patch + data[index + len(patch) :]
    try:
        decode_image(mutated)
    except PictureError:
        return
    assert format_of(mutated[:HEAD_BYTES]) is not None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif", "AVIF"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n<svg/>", "SVG"),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", "JPEG 2000"),
        (b"\xff\x4f\xff\x51\0\x29", "JPEG 2000"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"8BPS\0\1", "PSD"),
        (b"<!DOCTYPE html><html><svg/></html>", "HTML"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isom", "MP4 video"),
        (b"PK\3\4", "ZIP"),
    ],
)
def test_formats_that_are_not_read_are_named(head: bytes, name: str) -> None:
    message = f"^its format is {name}, which is not read; send one of JPEG, PNG"
    with pytest.raises(NotAnImage, match=message):
        open_picture(head + bytes(99))
