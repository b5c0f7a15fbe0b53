"""What begins like a picture is what Pillow would open as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub_pictures.errors import PictureError
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
