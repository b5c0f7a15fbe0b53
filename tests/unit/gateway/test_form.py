"""Forms: what their parts mean, and every way in which one can be hostile."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.body import parse_inline
from gateway.errors import GatewayError, InvalidField, NotAnObject
from gateway.form import MAX_BOUNDARY, MAX_PART_HEADER_BYTES, MAX_PART_HEADERS, MAX_PARTS
from gateway.schemas import ForegroundRequest, ImageRequest, PictureUrl, SimilarityRequest
from gateway.services import SERVICES
from modelhub_pictures.errors import InvalidBase64, NotAnImage, PictureError
from tests.hazards import encode, scene
from tests.unit.gateway.conftest import PICTURE, PICTURE_BASE64
from tests.unit.gateway.forms import BOUNDARY, CONTENT_TYPE, form, part

URL = PictureUrl(url="http://public.test/")
FILE = part("image", PICTURE, "cat.png", "Content-Type: image/png")
BY_URL = part("input.url", URL.url.encode())


def of(body: bytes, service: str = "ocr", content_type: str = CONTENT_TYPE) -> dict[str, bytes | PictureUrl]:
    return parse_inline(SERVICES[service], body, content_type)


def outcome(body: bytes, service: str = "ocr", content_type: str = CONTENT_TYPE) -> int:
    """0 for a picture or a URL wherever there must be one, else the code of the refusal."""
    try:
        asked = of(body, service, content_type)
    except (GatewayError, PictureError) as error:
        return error.code
    return 0 if len(asked) == len(SERVICES[service].pictures) and all(asked.values()) else -1


# What parts mean


@pytest.mark.parametrize(
    "picture",
    [
        FILE,
        part("image", PICTURE, "cat.png"),
        part("image", PICTURE, ""),
        part("image", PICTURE, None, "Content-Type: image/png"),
        part("image", PICTURE, None, "Content-Type: application/octet-stream"),
        part("image", PICTURE, "cat.txt", "Content-Type: text/plain"),
        part("image", PICTURE, "cat.png", "content-transfer-encoding: BINARY"),
        part("image", PICTURE, "猫.png", "Content-Type: image/png", f"Content-Length: {len(PICTURE)}"),
    ],
    ids=["file", "untyped", "unnamed", "typed", "bytes", "called text", "binary", "chinese"],
)
def test_a_file_is_taken_as_it_is(picture: bytes) -> None:
    assert of(form(picture)) == {"image": PICTURE}


@pytest.mark.parametrize(
    "text",
    [
        PICTURE_BASE64,
        f"data:image/png;base64,{PICTURE_BASE64}",
        base64.encodebytes(PICTURE).decode().replace("\n", "\r\n"),
        base64.urlsafe_b64encode(PICTURE).decode().rstrip("="),
    ],
)
@pytest.mark.parametrize(
    "header", [(), ("Content-Type: text/plain",), ("Content-Type: TEXT/x; charset=big5",)]
)
def test_text_is_base64_in_each_of_its_forms(text: str, header: tuple[str, ...]) -> None:
    assert of(form(part("image", text.encode(), None, *header))) == {"image": PICTURE}


def test_a_url_is_text() -> None:
    assert of(form(BY_URL)) == {"input": URL}
    assert of(form(part("input.url", "http://猫.test/".encode()))) == {
        "input": PictureUrl(url="http://猫.test/")
    }
    assert of(form(part("input.url", URL.url.encode(), "url.txt"))) == {"input": URL}


def test_two_pictures_in_two_parts() -> None:
    both = form(part("imageb", b"b", "b"), part("imagea", b"a", "a"))
    assert list(of(both, "image_similarity").items()) == [("imagea", b"a"), ("imageb", b"b")]
    mixed = form(part("imagea", PICTURE_BASE64.encode()), part("inputb.url", URL.url.encode()))
    assert of(mixed, "image_similarity") == {"imagea": PICTURE, "inputb": URL}


def test_the_documented_field_counts_where_both_are_there() -> None:
    assert of(form(BY_URL, FILE)) == {"image": PICTURE}
    assert of(form(FILE, BY_URL), "foreground_segmentation") == {"input": URL}


def test_a_control_that_nobody_touched_is_absent() -> None:
    """As a browser sends it: without content, a file with an empty name."""
    untouched = part("image", b"", "", "Content-Type: application/octet-stream")
    assert of(form(untouched, BY_URL)) == {"input": URL}
    assert of(form(part("input.url", b""), FILE), "foreground_segmentation") == {"image": PICTURE}
    with pytest.raises(InvalidField, match=r"^image: Field required$"):
        of(form(untouched, part("input.url", b"")))
    with pytest.raises(NotAnImage, match=r"^image: the image is empty$"):
        of(form(part("image", b"", "cat.png")))


def test_parts_of_other_names_are_ignored_whatever_they_hold() -> None:
    others = [
        part(name, b"\xff" * 10, "x", "Content-Transfer-Encoding: x") for name in ("url", "input", "", "imag")
    ]
    assert of(form(*others, *others, FILE)) == {"image": PICTURE}


@pytest.mark.parametrize("request_type", [ImageRequest, ForegroundRequest, SimilarityRequest])
def test_each_field_of_the_json_has_its_part(request_type: type[ImageRequest]) -> None:
    properties = request_type.model_json_schema()["properties"]
    assert sorted(request_type.parts().values()) == sorted(properties)
    for name, field in request_type.parts().items():
        assert name == (field if properties[field].get("type") == "string" else f"{field}.url")


@given(
    st.lists(st.binary(max_size=300), min_size=2, max_size=2),
    st.text("ab-", min_size=1, max_size=MAX_BOUNDARY),
)
def test_files_of_any_bytes_arrive_whole(files: list[bytes], boundary: str) -> None:
    body = form(
        *(part(f"image{side}", b"_" + file, "f") for side, file in zip("ab", files, strict=True)),
        boundary=boundary,
    )
    content_type = f'Multipart/Form-Data; charset=utf-8; boundary="{boundary}"'
    if body.count(f"\r\n--{boundary}".encode()) == 2:  # else what is in a file would be a boundary
        expected = {"imagea": b"_" + files[0], "imageb": b"_" + files[1]}
        assert of(body, "image_similarity", content_type) == expected


@pytest.mark.parametrize(
    "boundary", [BOUNDARY, "x" * MAX_BOUNDARY, "'()+_,./:=? y", "-", "----WebKitFormBoundary0"]
)
def test_every_boundary_that_is_allowed(boundary: str) -> None:
    content_type = f'multipart/form-data; boundary="{boundary}"'
    assert of(form(FILE, boundary=boundary), content_type=content_type) == {"image": PICTURE}


def test_json_is_json_under_any_type() -> None:
    json_body = b" \r\n\t" + json.dumps({"image": PICTURE_BASE64}).encode()
    for content_type in (CONTENT_TYPE, "multipart/form-data", "image/png", "IMAGE/*", ""):
        assert of(json_body, content_type=content_type) == {"image": PICTURE}


# What is hostile


HUGE = 1 << 20


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'x' * (MAX_BOUNDARY + 1)}",
        f"multipart/form-data; boundary={'x' * HUGE}",
        "multipart/form-data; boundary=ü",
        "multipart/form-data; boundary*=utf-8''x",
        "multipart/form-data; boundary=another",
    ],
    ids=["none", "empty", "empty too", "long", "a megabyte", "not ASCII", "extended", "another"],
)
def test_no_boundary_that_can_be_used(content_type: str) -> None:
    assert outcome(form(FILE), content_type=content_type) == 40001


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"--",
        b"[]",
        form(FILE)[:-4],
        form(FILE)[: -len(BOUNDARY) - 6],
        form(FILE)[:60],
        form(FILE).replace(b"\r\n", b"\n"),
        form(FILE).replace(b"\r\n", b"\r"),
        form(b"\r\nno header"),
        form(b'Content-Disposition: form-data; filename="cat.png"\r\n\r\n' + PICTURE),
        form(b"Content-Disposition: form-data\r\n\r\n" + PICTURE),
        form(b'Content-Disposition: attachment; name="image"\r\n\r\n' + PICTURE),
        form(b"Content-Type: image/png\r\n\r\n" + PICTURE),
        form(b"no colon\r\n\r\n" + PICTURE),
        form(part("image", PICTURE, "x", "Content-Length: 7")),
        form(part("image", PICTURE, "x", " folded: line")),
    ],
    ids=lambda body: f"{len(body)} bytes" if len(body) < 3 else None,
)  # fmt: skip
def test_what_is_no_whole_form(body: bytes) -> None:
    assert outcome(body) == 40001


@pytest.mark.parametrize(
    "body",
    [
        form(*[part("x", b"") for _ in range(MAX_PARTS)], FILE),
        form(*[part("x", b"") for _ in range(1000)]),
        form(part("image", PICTURE, "x", *[f"H{number}: x" for number in range(MAX_PART_HEADERS)])),
        form(part("image", PICTURE, "x", f"H: {'x' * MAX_PART_HEADER_BYTES}")),
        form(part("image", PICTURE, "x" * HUGE)),
        form(part("x" * HUGE, PICTURE)),
        b"--" + BOUNDARY.encode() + b"\r\n" + b"x" * HUGE,
        form(part("image", PICTURE, "x", "H: x\r\n" * 100_000)),
    ],
    ids=[
        "65 parts",
        "a thousand",
        "headers",
        "a header",
        "file name",
        "name",
        "endless header",
        "100000 headers",
    ],
)
def test_more_than_a_limit(body: bytes) -> None:
    with pytest.raises(NotAnObject, match=r"^the body is not a form: "):
        of(body)


def test_as_much_as_each_limit_allows() -> None:
    headers = [
        f"H{number}: {'x' * (MAX_PART_HEADER_BYTES - 6)}" for number in range(10, 10 + MAX_PART_HEADERS - 1)
    ]
    assert of(
        form(*[part("x", b"") for _ in range(MAX_PARTS - 1)], part("image", PICTURE, "x", *headers))
    ) == {"image": PICTURE}


def test_two_parts_of_one_name() -> None:
    with pytest.raises(InvalidField, match=r"^image: more than one part has this name$"):
        of(form(FILE, part("image", b"another", "x")))


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-gzip", "8bit, binary"])
def test_a_transfer_encoding(encoding: str) -> None:
    header = f"Content-Transfer-Encoding: {encoding}"
    with pytest.raises(InvalidField, match=r"^image: .*Content-Transfer-Encoding"):
        of(form(part("image", PICTURE_BASE64.encode(), "x", header)))


def test_a_form_in_a_part_is_not_a_picture() -> None:
    """And is not looked into: it goes to the decoder as any other bytes, which are none of a picture."""
    inner = form(FILE, boundary="inner")
    nested = part("image", inner, None, "Content-Type: multipart/mixed; boundary=inner")
    assert of(form(nested)) == {"image": inner}


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "ibm500", "no such"])
def test_a_charset_changes_nothing(charset: str) -> None:
    header = f"Content-Type: text/plain; charset={charset}"
    named = part("_charset_", charset.encode())
    assert of(form(named, part("image", PICTURE_BASE64.encode(), None, header))) == {"image": PICTURE}
    with pytest.raises(InvalidBase64, match=r"^image: not valid Base64"):
        of(form(named, part("image", PICTURE_BASE64.encode("utf-16"), None, header)))
    with pytest.raises(InvalidField, match=r"^input\.url: Input should be text in UTF-8$"):
        of(form(named, part("input.url", URL.url.encode("utf-16"), None, header)))


@pytest.mark.parametrize("text", ["图".encode(), b"A", b"****", b"\xff"])
def test_text_that_is_not_base64(text: bytes) -> None:
    with pytest.raises(InvalidBase64, match=r"^image: not valid Base64"):
        of(form(part("image", text)))


def test_messages_name_the_field_that_is_missing() -> None:
    for service, body, missing in [
        ("ocr", form(), "image"),
        ("foreground_segmentation", form(part("x", b"x")), "input"),
        ("image_similarity", form(part("imagea", b"x", "x")), "imageb"),
    ]:
        with pytest.raises(InvalidField, match=rf"^{missing}: Field required$"):
            of(body, service)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "body",
    [
        b"\r\n--" * (4 << 20),
        f"\r\n--{BOUNDARY[:-1]}".encode() * HUGE,
        (f"\r\n--{BOUNDARY}x".encode()) * HUGE,
        f"--{BOUNDARY}\r\n".encode() * HUGE,
        form(part("image", f"\r\n--{BOUNDARY}-".encode() * HUGE, "x")),
        form(b'Content-Disposition: form-data; name="' + b"\\a" * 2000),
        form(b"Content-Disposition: form-data" + b"; x=y" * 800 + b"\r\n\r\n"),
        form(b"Content-Disposition: form-data; name" + b" " * 4000 + b"\r\n\r\n"),
    ],
    ids=["delimiters", "nearly", "prefixes", "heads", "in a file", "quotes", "options", "blanks"],
)
def test_what_would_take_a_parser_for_ever_is_over_at_once(body: bytes) -> None:
    """A parser whose time is the square of the length, or worse, would be at it for hours."""
    assert outcome(body) in {0, 40001, 40002}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("option", ['x="' + "\\a" * 30_000, "; " * 30_000, "x=" * 30_000, "x" + " " * 60_000])
def test_a_content_type_that_would_take_for_ever(option: str) -> None:
    assert outcome(form(FILE), content_type=f"multipart/form-data; {option}") == 40001


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good form with some bytes replaced, dropped or put in."""
    body = bytearray(form(FILE, BY_URL, part("imagea", PICTURE_BASE64.encode()), part("imageb", b"x", "x")))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(start + 3, len(body))))
        body[start:end] = draw(st.binary(max_size=4))
    return bytes(body)


@given(
    st.binary(max_size=200) | mutated(),
    st.sampled_from(["ocr", "foreground_segmentation", "image_similarity"]),
    st.just(CONTENT_TYPE) | st.text(max_size=40).map("multipart/form-data;".__add__),
)
def test_any_form_parses_or_is_refused_by_name(body: bytes, service: str, content_type: str) -> None:
    assert outcome(body, service, content_type) in {0, 40001, 40002, 40003, 40004}


@given(st.binary(max_size=200) | mutated())
def test_what_is_told_of_a_form_is_in_plain_words(body: bytes) -> None:
    try:
        told = ""
        of(body)
    except NotAnObject as error:
        told = error.message
    except (GatewayError, PictureError):
        pass
    assert re.fullmatch(r"|the body is not (a form: [\w :,()-]+|JSON: .*|a JSON object)", told)


# Names of files

PNG = encode(scene(), "PNG")


@pytest.mark.parametrize(
    "parameters",
    [
        b'; filename="\xd5\xd5\xc6\xac.png"',  # GBK
        b'; filename="\xd5\\"',  # GBK, whose last byte is a backslash
        b'; filename="caf\xe9.png"',
        b"; filename=\xff\xfe.png",
        b"; filename*=UTF-8''%e7%8c%ab.png",
        b"; filename*=\xff",
        b"; filename",
        b"",
    ],
)
@pytest.mark.parametrize("kind", [b"", b"Content-Type: text/plain\r\n", b"Content-Type: image/png\r\n"])
def test_whatever_its_name_a_picture_is_known_by_its_first_bytes(parameters: bytes, kind: bytes) -> None:
    head = b'Content-Disposition: form-data; name="image"' + parameters + b"\r\n" + kind + b"\r\n"
    assert of(form(head + PNG)) == {"image": PNG}
