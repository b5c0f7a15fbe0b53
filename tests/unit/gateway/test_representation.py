"""Which representation of an answer a request asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.representation import JSON, PICTURES, preferred_media_type


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/*", JSON),
        ("application/json; charset=utf-8", JSON),
        ("image/png", "image/png"),
        ("IMAGE/PNG", "image/png"),
        (" image/jpeg ;q=0.3 ", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("image/*", "image/png"),
        ("image/*;q=0.5, image/webp", "image/webp"),
        ("image/png, image/jpeg", "image/png"),
        ("image/png;q=0.9, image/jpeg", "image/jpeg"),
        ("image/png, */*;q=0.1", "image/png"),
        ("image/png;q=0.1, */*", JSON),
        ("image/png, application/json", JSON),
        ("image/png;q=1.0, application/json;q=0.999", "image/png"),
        ("*/*, application/json;q=0", "image/png"),
        ("*/*, application/json;q=0, image/png;q=0", "image/jpeg"),
        ("image/png;q=0", JSON),
        ("*/*;q=0", JSON),
        ("text/html, image/avif, image/gif", JSON),
        ("image/avif, image/png;q=0.8, text/html", "image/png"),
        ("image/png;level=1;q=0.2, image/jpeg;q=0.3", "image/jpeg"),
        ("image/png;q=2, image/jpeg;q=0.1", "image/jpeg"),
        ("image/png;q=, image/png;q=0.x", JSON),
        ("image, png, /, ;q=1, image/", JSON),
        ("image/png\u00e9", JSON),
    ],
)
def test_of_what_can_be_made_the_heaviest_is_taken(accept: str, media_type: str) -> None:
    assert preferred_media_type(accept) == media_type


@given(st.text(alphabet="imagepn/jwb*;q=01., \t", max_size=60))
def test_whatever_is_said_something_is_sent(accept: str) -> None:
    assert preferred_media_type(accept) in (JSON, *PICTURES)


def test_a_long_line_is_read_in_linear_time() -> None:
    assert preferred_media_type("image/png" + ";a=b" * 16_000) == "image/png"
    assert preferred_media_type("image/" + "p" * 64_000 + " ; ; ;" * 100) == JSON
    assert preferred_media_type("image/png" + ";" * 64_000 + "\u00e9") == "image/png"
