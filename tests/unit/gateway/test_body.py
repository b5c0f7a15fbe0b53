"""Whatever the body is, the answer is the caller's failure or a success: never a fault of ours."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.body import parse_inline, validated
from gateway.errors import InvalidField, NotAnObject
from gateway.schemas import ForegroundRequest, ImageRequest, PictureUrl, SimilarityRequest
from gateway.services import SERVICES
from gateway.settings import Settings
from modelhub_pictures.errors import InvalidBase64, NotAnImage, PictureError
from modelhub_pictures.formats import FORMATS
from tests.hazards import encode, scene
from tests.unit.gateway.conftest import PICTURE, PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton
from tests.unit.gateway.web import FakeNames

GOOD = json.dumps({"image": PICTURE_BASE64}).encode()
URL = PictureUrl(url="http://public.test/")
BY_URL = {"url": URL.url}
FIELDS = ["image", "input", "imagea", "imageb", "inputa", "inputb", "url"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(FIELDS), inner, max_size=4)
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
    | json_values.map(lambda value: json.dumps({"imagea": PICTURE_BASE64, "inputb": value}).encode())
    | st.text().map(
        lambda text: json.dumps({"image": text}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    )
)


def given_in(name: str, body: dict[str, object]) -> dict[str, bytes | PictureUrl]:
    return parse_inline(SERVICES[name], json.dumps(body).encode())


def outcome(name: str, body: bytes) -> int:
    """0 for a picture or a URL wherever there must be one, else the code of the refusal."""
    try:
        asked = parse_inline(SERVICES[name], body)
    except (NotAnObject, InvalidField, PictureError) as error:
        return error.code
    return 0 if len(asked) == len(SERVICES[name].pictures) and all(asked.values()) else -1


@given(bodies, st.sampled_from(["ocr", "foreground_segmentation", "image_similarity"]))
def test_any_body_parses_or_is_refused_by_name(body: bytes, name: str) -> None:
    assert outcome(name, body) in {0, 40001, 40002, 40003, 40004}


@given(bodies)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_body_is_answered_with_200_or_400(body: bytes) -> None:
    async with client_of(Settings(), FakeTriton(), FakeNames()) as client:
        response = await client.post("/api/predict/ocr", content=body)
    assert response.status_code in (200, 400, 422)
    assert response.json()["success"] is (response.status_code == 200)


def test_validated_returns_what_the_body_says() -> None:
    assert validated(ImageRequest, GOOD).image == PICTURE_BASE64


@pytest.mark.parametrize(("name", "shape"), [("image_classification", (1, 1)), ("ocr", (1,))])
def test_a_picture_is_one_string_for_the_ensemble(name: str, shape: tuple[int, ...]) -> None:
    image = SERVICES[name].inputs([PICTURE])["image"]
    assert image.shape == shape
    assert image.item() == PICTURE


def test_bytes_that_numpy_would_cut_are_whole() -> None:
    assert SERVICES["ocr"].inputs([b"\x00\x00\x00"])["image"].item() == b"\x00\x00\x00"
    assert given_in("ocr", {"image": "AAAA"}) == {"image": b"\x00\x00\x00"}


@pytest.mark.parametrize("name", ["ocr", "foreground_segmentation"])
def test_a_picture_may_be_named_by_its_url_or_given(name: str) -> None:
    assert given_in(name, {"input": {**BY_URL, "more": 1}}) == {"input": URL}
    assert given_in(name, {"input": BY_URL, "image": None}) == {"input": URL}
    assert given_in(name, {"image": PICTURE_BASE64}) == {"image": PICTURE}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"imagea": PICTURE_BASE64, "imageb": PICTURE_BASE64}, {"imagea": PICTURE, "imageb": PICTURE}),
        ({"inputa": BY_URL, "imageb": PICTURE_BASE64}, {"inputa": URL, "imageb": PICTURE}),
        ({"imagea": PICTURE_BASE64, "inputb": BY_URL}, {"imagea": PICTURE, "inputb": URL}),
        ({"inputb": BY_URL, "inputa": BY_URL, "imagea": None}, {"inputa": URL, "inputb": URL}),
        (
            {"inputb": 3, "imageb": PICTURE_BASE64, "inputa": BY_URL, "imagea": PICTURE_BASE64},
            {"imagea": PICTURE, "imageb": PICTURE},
        ),
    ],
)
def test_each_of_two_pictures_may_be_named_by_its_url_or_given(
    body: dict[str, object], expected: dict[str, object]
) -> None:
    assert list(given_in("image_similarity", body).items()) == list(expected.items())


def test_the_documented_field_counts_where_both_are_there() -> None:
    both = {"image": PICTURE_BASE64, "input": BY_URL}
    image = ImageRequest.model_validate(both)
    assert (image.image, image.input) == (PICTURE_BASE64, None)
    foreground = ForegroundRequest.model_validate(both)
    assert (foreground.image, foreground.input) == (None, URL)
    two = SimilarityRequest.model_validate({f"{name}{side}": both[name] for name in both for side in "ab"})
    assert two.given() == {"imagea": PICTURE_BASE64, "imageb": PICTURE_BASE64}


def test_what_the_other_field_holds_matters_only_without_the_documented_one() -> None:
    assert given_in("ocr", {"image": PICTURE_BASE64, "input": 3}) == {"image": PICTURE}
    with pytest.raises(InvalidField, match=r"^image: Input should be a valid string$"):
        parse_inline(SERVICES["ocr"], b'{"image": 3, "input": {"url": "http://public.test/"}}')
    with pytest.raises(InvalidField, match=r"^input\.url: Field required$"):
        parse_inline(SERVICES["foreground_segmentation"], b'{"input": {}, "image": "AAAA"}')


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("foreground_segmentation", {}, r"^input: Field required$"),
        ("ocr", {}, r"^image: Field required$"),
        ("image_similarity", {}, r"^imagea: Field required$"),
        ("image_similarity", {"imagea": "AAAA", "imageb": None}, r"^imageb: Field required$"),
        ("image_similarity", {"inputa": BY_URL, "inputb": {}}, r"^inputb\.url: Field required$"),
        ("image_similarity", {"inputa": BY_URL, "imageb": 3}, r"^imageb: Input should be a valid string$"),
    ],
)
def test_messages_name_the_field(name: str, body: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        given_in(name, body)


@pytest.mark.parametrize("text", ["图", "A", "****"])
def test_messages_name_the_field_that_is_not_base64(text: str) -> None:
    with pytest.raises(InvalidBase64, match=r"^image: not valid Base64"):
        given_in("ocr", {"image": text})
    with pytest.raises(InvalidBase64, match=r"^imageb: not valid Base64"):
        given_in("image_similarity", {"inputa": BY_URL, "imageb": text})


# Bodies that are pictures


@pytest.mark.parametrize(
    "content_type", ["image/png", "IMAGE/Jpeg; x=y", " image/x", "image/*", "image/svg+xml"]
)
def test_a_body_that_is_a_picture(content_type: str) -> None:
    for body in (PICTURE, b"[]", b"--x", b"\x00{"):
        for service in ("ocr", "foreground_segmentation", "image_classification"):
            assert parse_inline(SERVICES[service], body, content_type) == {"image": body}


def test_a_picture_is_no_answer_to_what_asks_for_two() -> None:
    with pytest.raises(
        InvalidField, match=r"^imageb: Field required; a body that is a picture is one picture$"
    ):
        parse_inline(SERVICES["image_similarity"], PICTURE, "image/png")


def test_an_empty_picture() -> None:
    with pytest.raises(NotAnImage, match=r"^image: the image is empty$"):
        parse_inline(SERVICES["ocr"], b"", "image/png")


OTHER_TYPES = ["", "image", "images/png", "application/octet-stream", "text/image/png"]
OTHER_TYPES += ["application/x-www-form-urlencoded", "application/json"]


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_a_body_that_begins_as_a_picture_is_one_whatever_its_type(content_type: str) -> None:
    for body in (*(encode(scene(), kind) for kind in FORMATS), b"\0\0\0\x18ftypheic", b"%PDF-1.7"):
        assert parse_inline(SERVICES["ocr"], body, content_type) == {"image": body}


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_any_other_body_is_json(content_type: str) -> None:
    for body in (b"no picture", b"image=iVBORw0KGgo", b"\x89PNG", b""):
        with pytest.raises(NotAnObject, match=r"not JSON.*; a picture's file goes under Content-Type image/"):
            parse_inline(SERVICES["ocr"], body, content_type)
