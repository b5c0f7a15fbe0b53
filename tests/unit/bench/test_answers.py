"""A poisoned answer is noticed, whatever the poison; an answer that only looks different is not."""

import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.answers import (
    Exchange,
    Judgement,
    Verdict,
    difference,
    judge,
    percentile,
    repeated_ids,
    without_id,
    wrong_answers,
)
from bench.wire import Response
from gateway.responses import failure_body, new_request_id

PROBABILITIES = [0.1, 0.2, 0.7]


def success(**fields: object) -> Response:
    body = orjson.dumps({"request_id": new_request_id(), "success": True, **fields})
    return Response(200, body, retry_after=False)


def failure(code: int, *, retry_after: bool = False) -> Response:
    return Response(code // 100, failure_body(new_request_id(), code, "no"), retry_after)


def answer(response: Response, judgement: Judgement) -> Exchange:
    return Exchange("ocr", "1", 0, 0, 1, response.status, response.retry_after, judgement)


def test_the_same_answer_under_another_request_id_is_right() -> None:
    alone, again = success(class_probs=PROBABILITIES), success(class_probs=PROBABILITIES)
    assert alone.body != again.body
    assert judge(alone, again).verdict is Verdict.RIGHT
    assert judge(alone, again).request_id in again.body.decode()


@given(st.lists(st.floats(0, 1), min_size=1), st.integers(0), st.floats(1e-4, 1))
def test_one_number_that_is_another_is_wrong(numbers: list[float], at: int, by: float) -> None:
    changed = list(numbers)
    changed[at % len(numbers)] += by
    judgement = judge(success(class_probs=numbers), success(class_probs=changed))
    assert judgement.verdict is Verdict.WRONG
    assert f"[{at % len(numbers)}]" in judgement.detail


@given(st.lists(st.floats(-1000, 1000), min_size=1))
def test_what_rounding_to_float32_changes_is_right(numbers: list[float]) -> None:
    rounded = np.array(numbers, dtype=np.float32).astype(float).tolist()
    assert judge(success(boxes=numbers), success(boxes=rounded)).verdict is Verdict.RIGHT


def test_two_answers_swapped_are_both_wrong() -> None:
    first, second = success(detection_texts=["A7"]), success(detection_texts=["B8"])
    assert judge(first, second).verdict is judge(second, first).verdict is Verdict.WRONG


POISONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "empty list": lambda fields: fields.update(class_probs=[]),
    "field left out": lambda fields: fields.pop("class_probs"),
    "field too many": lambda fields: fields.update(more=1),
    "other type": lambda fields: fields.update(number=True),
    "null": lambda fields: fields.update(class_probs=None),
    "not a success": lambda fields: fields.update(success=False),
    "no request id": lambda fields: fields.pop("request_id"),
    "NaN as null": lambda fields: fields.update(class_probs=[None, 0.2, 0.7]),
}


@pytest.mark.parametrize("poison", POISONS)
def test_a_poisoned_answer_is_wrong(poison: str) -> None:
    alone = success(class_probs=PROBABILITIES, number=1)
    fields = orjson.loads(alone.body)
    POISONS[poison](fields)
    judgement = judge(alone, Response(200, orjson.dumps(fields), retry_after=False))
    assert judgement.verdict is Verdict.WRONG, judgement


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"success": true'])
def test_what_is_no_object_is_wrong(body: bytes) -> None:
    assert judge(success(a=1), Response(200, body, retry_after=False)).verdict is Verdict.WRONG
    assert judge(success(a=1), Response(502, body, retry_after=False)).verdict is Verdict.WRONG
    assert judge(None, Response(200, body, retry_after=False)).verdict is Verdict.WRONG


def test_failures_are_told_apart() -> None:
    alone = success(a=1)
    assert judge(alone, failure(42901, retry_after=True)).verdict is Verdict.REFUSED
    assert judge(alone, failure(50001)).verdict is Verdict.FAILED
    assert judge(alone, failure(40004)).verdict is Verdict.FAILED
    assert judge(failure(40004), failure(40004)).verdict is Verdict.RIGHT
    assert judge(failure(40004), success(a=1)).verdict is Verdict.WRONG
    assert judge(failure(40004), failure(50001)).verdict is Verdict.FAILED
    disguised = Response(500, failure_body(new_request_id(), 40004, "no"), retry_after=False)
    assert judge(alone, disguised).verdict is Verdict.WRONG


def test_an_answer_that_cannot_be_compared_needs_fields_beside_the_common_ones() -> None:
    assert judge(None, success(out_image="x")).verdict is Verdict.RIGHT
    assert judge(None, success()).verdict is Verdict.WRONG
    assert judge(None, failure(50301)).verdict is Verdict.FAILED


def test_a_request_id_given_twice_is_wrong() -> None:
    responses = [success(a=1) for _ in range(4)]
    answers = [answer(response, judge(response, response)) for response in [*responses, responses[2]]]
    assert len(repeated_ids(answers)) == 1
    assert len(wrong_answers(answers)) == 1
    assert not wrong_answers(answers[:-1])


def test_only_the_request_id_is_left_out() -> None:
    identity = new_request_id()
    body = b'{"request_id":"%s","success":true,"text":"%s"}' % (identity.encode(), identity.encode())
    assert without_id(body) == b'{"request_id":"","success":true,"text":"%s"}' % identity.encode()


def test_the_place_of_a_difference_is_told() -> None:
    assert difference({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}) == "answer.a[1].b differs"
    assert difference([1, 2], [1]) == "answer has 1 elements for 2"
    assert not difference({"a": [1.0, "x", None]}, {"a": [1.0 + 1e-9, "x", None]})


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 100])
def test_percentile_is_the_nearest_rank(percent: int) -> None:
    values = [float(value) for value in range(1, 101)]
    Random(3).shuffle(values)
    assert percentile(values, percent) == percent


def test_percentile_of_few() -> None:
    assert percentile([7.0], 99) == 7
    assert percentile([1.0, 9.0], 99) == 9
    assert percentile([1.0, 9.0], 50) == 1
    assert math.isnan(percentile([], 99))
