"""What two answers differ in: nothing of an answer and itself, and each known difference by its name."""

import math
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services import SERVICES
from modelhub.replay.compare import Comparison, Failure, Outcome, compare
from modelhub.replay.measures import DEFINITIONS, tolerances
from tests.unit.client.replay.answers import Answer, answer

TOLERANCES = tolerances()
SEEDS = st.integers(0, 2**32 - 1)
EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)


def random_answer(service: str, seed: int) -> Answer:
    return answer(service, np.random.default_rng(seed))


def values(comparison: Comparison) -> dict[str, float]:
    assert len({one.name for one in comparison.measures}) == len(comparison.measures)
    return {one.name: one.value for one in comparison.measures}


def beyond(comparison: Comparison) -> set[str]:
    return {one.name for one in comparison.beyond}


def compared(service: str, one: Outcome, two: Outcome) -> Comparison:
    return compare(service, one, two, TOLERANCES)


@EVERY_SERVICE
@given(seed=SEEDS)
def test_the_answers_of_these_tests_are_documented_ones(service: str, seed: int) -> None:
    SERVICES[service].answer.model_validate(random_answer(service, seed))


@EVERY_SERVICE
@given(seed=SEEDS)
def test_an_answer_and_itself_differ_in_nothing(service: str, seed: int) -> None:
    one = random_answer(service, seed)
    comparison = compared(service, one, deepcopy(one) | {"request_id": "another"})
    assert not any(values(comparison).values())
    assert comparison.alike
    assert comparison.spellings == (frozenset(), frozenset())


@EVERY_SERVICE
def test_every_documented_field_has_a_figure(service: str) -> None:
    """Changed beyond recognition, each field alone makes a difference that is seen."""
    full = next(one for seed in range(99) if _has_something(one := random_answer(service, seed)))
    for field in SERVICES[service].fields:
        less = {name: value for name, value in full.items() if name != field}
        assert "fields.missing" in beyond(compared(service, full, less)), field
        assert "fields.form" in beyond(compared(service, full, full | {field: None})), field


def _has_something(one: Answer) -> bool:
    return all(value not in ([], {}) for value in one.values())


@EVERY_SERVICE
@given(seeds=st.tuples(SEEDS, SEEDS))
def test_figures_are_finite_and_the_same_with_the_sides_changed(service: str, seeds: tuple[int, int]) -> None:
    one, two = (random_answer(service, seed) for seed in seeds)
    forth, back = values(compared(service, one, two)), values(compared(service, two, one))
    assert forth.keys() <= DEFINITIONS.keys()
    assert all(0 <= value < math.inf for value in forth.values())
    for left, right in (
        ("detections.missing", "detections.extra"),
        ("detections.extra", "detections.missing"),
    ):
        if left in forth:
            assert forth.pop(left) == back.pop(right)
    assert forth == pytest.approx(back)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@EVERY_SERVICE
@given(data=st.data(), seed=SEEDS)
def test_whatever_an_endpoint_answers_is_compared(service: str, data: st.DataObject, seed: int) -> None:
    one = random_answer(service, seed)
    field = data.draw(st.sampled_from([*SERVICES[service].fields, "detection_classe_names", "more"]))
    two = one | {field: data.draw(JSON)}
    assert compared(service, two, deepcopy(two)).alike
    if data.draw(st.booleans()):
        one, two = two, one
    comparison = compared(service, one, two)
    assert all(0 <= value < math.inf for value in values(comparison).values())


@pytest.mark.parametrize(
    "lie",
    [
        {"counts": [10**15], "size": [10**7, 10**8]},
        {"counts": [5, -1], "size": [2, 2]},
        {"counts": [5], "size": [2, 2]},
        {"counts": [2**80], "size": [2, 2]},
        {"counts": "4", "size": [2, 2]},
        {"size": [2, 2]},
        7,
    ],
)
def test_a_mask_that_is_none_is_a_field_that_cannot_be_read(lie: object) -> None:
    found = {
        "detection_boxes": [[0.0, 0.0, 1.0, 1.0]],
        "detection_scores": [0.5],
        "detection_classes": [1],
        "detection_class_names": ["cat"],
    }
    right = found | {"detection_masks": [{"counts": [4], "size": [2, 2]}]}
    comparison = compared("instance_segmentation", right, found | {"detection_masks": [lie]})
    assert beyond(comparison) == {"fields.form"}


def test_lists_of_different_lengths_are_fields_that_cannot_be_read() -> None:
    one = random_answer("object_detection", 3)
    two = one | {"detection_scores": [*one["detection_scores"], 0.5]}
    assert beyond(compared("object_detection", one, two)) == {"fields.form"}


FAILED = Failure(40004, "no picture", 400)


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        (FAILED, Failure(40004, "other words", 400), True),
        (FAILED, Failure(40003, "no picture", 400), False),
        (FAILED, {"similarity": 1.0}, False),
        ({"similarity": 1.0}, FAILED, False),
        (Failure(0), Failure(0), True),
    ],
)
def test_failures_are_compared_by_code(one: Outcome, two: Outcome, alike: bool) -> None:
    comparison = compared("image_similarity", one, two)
    assert values(comparison) == {"failure": float(not alike)}
    assert comparison.alike is alike
