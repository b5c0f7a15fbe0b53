"""Whatever the body is, the answer is the caller's failure or a success: never a fault of ours."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.body import parse_inline, validated
from gateway.errors import InvalidField, NotAnObject
from gateway.schemas import ForegroundRequest, ImageRequest, PictureUrl
from gateway.services import SERVICES
from gateway.settings import Settings
from gateway.tensors import Tensors
from tests.unit.gateway.conftest import PICTURE, PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton
from tests.unit.gateway.web import FakeNames
from vision.errors import InvalidBase64, PictureError

GOOD = json.dumps({"image": PICTURE_BASE64}).encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["image", "input", "url"]), inner, max_size=4)
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
    | json_values.map(lambda value: json.dumps({"input": value}).encode())
    | json_values.map(lambda value: json.dumps({"input": {"url": value}}).encode())
    | st.text().map(
        lambda text: json.dumps({"image": text}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    )
)


def tensors(name: str, body: bytes) -> Tensors:
    asked = parse_inline(SERVICES[name], body)
    assert isinstance(asked, dict)
    return asked


def outcome(name: str, body: bytes) -> int:
    """0 for a picture or a URL, else the code of the refusal."""
    try:
        asked = parse_inline(SERVICES[name], body)
    except (NotAnObject, InvalidField, PictureError) as error:
        return error.code
    return 0 if isinstance(asked, PictureUrl) or asked["image"].item() else -1


@given(bodies, st.sampled_from(["ocr", "foreground_segmentation"]))
@settings(max_examples=400, deadline=None)
def test_any_body_parses_or_is_refused_by_name(body: bytes, name: str) -> None:
    assert outcome(name, body) in {0, 40001, 40002, 40003, 40004}


@given(bodies)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_body_is_answered_with_200_or_400(body: bytes) -> None:
    async with client_of(Settings(), FakeTriton(), FakeNames()) as client:
        response = await client.post("/api/predict/ocr", content=body)
    assert response.status_code in (200, 400, 422)
    assert response.json()["success"] is (response.status_code == 200)


def test_validated_returns_what_the_body_says() -> None:
    assert validated(ImageRequest, GOOD).image == PICTURE_BASE64


@pytest.mark.parametrize(("name", "shape"), [("image_classification", (1, 1)), ("ocr", (1,))])
def test_a_picture_is_one_string_for_the_ensemble(name: str, shape: tuple[int, ...]) -> None:
    image = tensors(name, GOOD)["image"]
    assert image.shape == shape
    assert image.item() == PICTURE


def test_bytes_that_numpy_would_cut_are_whole() -> None:
    assert tensors("ocr", b'{"image": "AAAA"}')["image"].item() == b"\x00\x00\x00"


@pytest.mark.parametrize("name", ["ocr", "foreground_segmentation"])
def test_a_picture_may_be_named_by_its_url_or_given(name: str) -> None:
    url = PictureUrl(url="http://public.test/")
    assert parse_inline(SERVICES[name], b'{"input": {"url": "http://public.test/", "more": 1}}') == url
    assert parse_inline(SERVICES[name], b'{"input": {"url": "http://public.test/"}, "image": null}') == url
    assert tensors(name, GOOD)["image"].item() == PICTURE


def test_the_documented_field_counts_where_both_are_there() -> None:
    both = {"image": PICTURE_BASE64, "input": {"url": "http://public.test/"}}
    image = ImageRequest.model_validate(both)
    assert (image.image, image.input) == (PICTURE_BASE64, None)
    foreground = ForegroundRequest.model_validate(both)
    assert (foreground.image, foreground.input) == (None, PictureUrl(url="http://public.test/"))


def test_what_the_other_field_holds_matters_only_without_the_documented_one() -> None:
    assert tensors("ocr", json.dumps({"image": PICTURE_BASE64, "input": 3}).encode())
    with pytest.raises(InvalidField, match=r"^image: Input should be a valid string$"):
        parse_inline(SERVICES["ocr"], b'{"image": 3, "input": {"url": "http://public.test/"}}')
    with pytest.raises(InvalidField, match=r"^input\.url: Field required$"):
        parse_inline(SERVICES["foreground_segmentation"], b'{"input": {}, "image": "AAAA"}')


def test_messages_name_the_field() -> None:
    with pytest.raises(InvalidField, match=r"^input: Field required$"):
        parse_inline(SERVICES["foreground_segmentation"], b"{}")
    with pytest.raises(InvalidField, match=r"^image: Field required$"):
        parse_inline(SERVICES["ocr"], b"{}")
    with pytest.raises(InvalidBase64, match=r"^image: "):
        parse_inline(SERVICES["ocr"], '{"image": "图"}'.encode())
