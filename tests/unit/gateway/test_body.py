"""Whatever the body is, the answer is the caller's failure or a success: never a fault of ours."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.body import parse_inline, validated
from gateway.errors import InvalidField, NotAnObject
from gateway.schemas import ImageRequest
from gateway.services import SERVICES
from gateway.settings import Settings
from tests.unit.gateway.conftest import PICTURE, PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton
from vision.errors import InvalidBase64, PictureError

GOOD = json.dumps({"image": PICTURE_BASE64}).encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("image"), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good body with some bytes replaced, dropped or put in."""
    body = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(start + 3, len(body))))
        body[start:end] = draw(st.binary(max_size=4))
    return bytes(body)


bodies = (
    st.binary(max_size=200)
    | mutated()
    | json_values.map(lambda value: json.dumps(value).encode())
    | json_values.map(lambda value: json.dumps({"image": value}).encode())
    | st.text().map(
        lambda text: json.dumps({"image": text}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    )
)


def outcome(name: str, body: bytes) -> int:
    """0 for tensors, else the code of the refusal."""
    try:
        return 0 if parse_inline(SERVICES[name], body)["image"].item() else -1
    except (NotAnObject, InvalidField, PictureError) as error:
        return error.code


@given(bodies)
@settings(max_examples=400, deadline=None)
def test_any_body_parses_or_is_refused_by_name(body: bytes) -> None:
    assert outcome("ocr", body) in {0, 40001, 40002, 40003, 40004}


@given(bodies)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_body_is_answered_with_200_or_400(body: bytes) -> None:
    async with client_of(Settings(), FakeTriton()) as client:
        response = await client.post("/api/predict/ocr", content=body)
    assert response.status_code in (200, 400)
    assert response.json()["success"] is (response.status_code == 200)


def test_validated_returns_what_the_body_says() -> None:
    assert validated(ImageRequest, GOOD).image == PICTURE_BASE64


@pytest.mark.parametrize(("name", "shape"), [("image_classification", (1, 1)), ("ocr", (1,))])
def test_a_picture_is_one_string_for_the_ensemble(name: str, shape: tuple[int, ...]) -> None:
    tensors = parse_inline(SERVICES[name], GOOD)
    assert tensors["image"].shape == shape
    assert tensors["image"].item() == PICTURE


def test_bytes_that_numpy_would_cut_are_whole() -> None:
    tensors = parse_inline(SERVICES["ocr"], b'{"image": "AAAA"}')
    assert tensors["image"].item() == b"\x00\x00\x00"


def test_messages_name_the_field() -> None:
    with pytest.raises(InvalidField, match=r"^image: Field required$"):
        parse_inline(SERVICES["ocr"], b"{}")
    with pytest.raises(InvalidBase64, match=r"^image: "):
        parse_inline(SERVICES["ocr"], '{"image": "图"}'.encode())
