"""A body is refused for its JSON before that costs anything."""

import json
import time

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import NotAnObject
from gateway.json_bounds import MAX_DEPTH, MAX_MARKS, check_marks
from gateway.settings import Settings
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE_BASE64

LARGEST = Settings().max_body_bytes
PATH = "/api/predict/ocr"


def passes(body: bytes) -> bool:
    try:
        check_marks(body)
    except NotAnObject:
        return False
    return True


@given(st.lists(st.sampled_from([b",", b"[", b"{", b"a", b"}", b'"']), max_size=40), st.integers(-20, 20))
def test_commas_and_opening_brackets_are_counted_together(parts: list[bytes], off: int) -> None:
    body = b"".join(parts)
    marks = sum(body.count(mark) for mark in (b",", b"[", b"{"))
    more = MAX_MARKS - marks + off
    assert passes(body + b"," * more) == (off <= 0)


@pytest.mark.parametrize("unit", [b"[],", b"{},", b"[[]],", b"1.1,", b'"",'], ids=repr)
def test_a_large_body_of_many_values_is_refused_at_once(unit: bytes) -> None:
    body = b'{"image": [' + unit * (LARGEST // len(unit))
    start = time.process_time()
    assert not passes(body)
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize("unit", [b"A", b'"', b"\\", b"}", b"]", b":"], ids=repr)
def test_a_look_at_the_largest_body_takes_next_to_no_time(unit: bytes) -> None:
    body = unit * LARGEST
    start = time.process_time()
    assert passes(body)
    assert time.process_time() - start < 0.2


def test_a_request_of_two_pictures_and_all_sorts_beside_them_passes() -> None:
    fields = {"imagea": PICTURE_BASE64, "imageb": "data:image/png;base64," + PICTURE_BASE64}
    assert passes(json.dumps({**fields, "notes": {str(number): [number] for number in range(1000)}}).encode())


def nested(depth: int) -> bytes:
    """An object with lists in it, `depth` of both."""
    return b'{"image":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_the_parser_has_the_bound_of_depth_that_is_documented() -> None:
    orjson.loads(nested(MAX_DEPTH))
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (nested(MAX_DEPTH), 40002),
        (nested(MAX_DEPTH + 1), 40001),
        (b'{"image":[' + b"[]," * MAX_MARKS + b"[]]}", 40001),
    ],
    ids=["deep", "too deep", "too many"],
)
async def test_the_application_refuses_it_in_the_contracts_words(
    client: httpx.AsyncClient, body: bytes, code: int
) -> None:
    assert_failure(await client.post(PATH, content=body), code)
