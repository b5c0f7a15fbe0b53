"""Base64 in every form that callers send, and in none that is wrong."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub_pictures.errors import InvalidBase64
from vision.base64_text import decode_base64


@given(st.binary(max_size=200))
def test_every_accepted_form_decodes_to_the_same_bytes(data: bytes) -> None:
    plain = base64.b64encode(data)
    forms = (
        plain,
        plain.rstrip(b"="),
        base64.urlsafe_b64encode(data),
        base64.encodebytes(data),
        plain.replace(b"A", b"A\r\n"),
        b"data:image/png;base64," + plain,
        b"DATA:image/png;charset=x;BASE64," + plain,
    )
    assert {decode_base64(form) for form in forms} == {data}


@pytest.mark.parametrize(
    "text",
    [b"A", b"!!!!", b"QUJD*", b"QUJ=D", b"\xff\xfe\xfd\xfc", b"data:image/png,QUJD", b"QUJD\x00", b"AAAAA"],
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidBase64):
        decode_base64(text)


@given(st.binary(max_size=100))
def test_random_bytes_decode_or_are_refused(text: bytes) -> None:
    try:
        decoded = decode_base64(text)
    except InvalidBase64:
        return
    assert isinstance(decoded, bytes)
