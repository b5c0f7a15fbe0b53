"""The page's own deviations are recognised, and nothing else is mended."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services import SERVICES
from modelhub.replay.compare import compare
from modelhub.replay.measures import tolerances
from modelhub.replay.spelling import COMMON, Answer, Spelling, normalise
from tests.unit.client.replay.answers import answer

COMMON_FIELDS = {"request_id": "1", "success": True}
PIXELS = [[0.25, 0.5, 0.75], [1.0, 0.0, 0.5]]
BY_CLASS_LAST = [[[0.1, value] if value else [0.0, 0.0] for value in row] for row in PIXELS]
BY_CLASS_FIRST = [[[0.0] * 3] * 2, PIXELS, [[0.0] * 3] * 2, [[0.0] * 3] * 2]
PREDS = [[1, 1, 1], [1, 0, 1]]
TALL_BOXES = [[630.0, 48.0, 702.0, 63.0]]
"""x first, as the page's example of a shelf of 128 x 706 pixels would have them."""


def spelled(spelling: Spelling, given: dict[str, Any], meant: dict[str, Any]) -> Any:  # noqa: ANN401
    return pytest.param(spelling, given, meant, id=spelling.name)


DEVIATIONS = [
    spelled(Spelling.CLASSE_NAMES, {"detection_classe_names": ["text"]}, {"detection_class_names": ["text"]}),
    spelled(
        Spelling.BOTH_NAMES,
        {"detection_classe_names": ["text"], "detection_class_names": ["text"]},
        {"detection_class_names": ["text"]},
    ),
    spelled(Spelling.SIMILARITY_LIST, {"similarity": [1.0]}, {"similarity": 100.0}),
    spelled(Spelling.DISTANCE_LIST, {"l2_distance": [0.0]}, {"l2_distance": 0.0}),
    spelled(Spelling.RATIO_NUMBER, {"human_ratio": 0.25}, {"human_ratio": "0.25"}),
    spelled(
        Spelling.PROBS_BY_CLASS,
        {"probs": BY_CLASS_LAST, "preds": PREDS},
        {"probs": PIXELS, "preds": PREDS},
    ),
    spelled(
        Spelling.PROBS_BY_CLASS,
        {"probs": BY_CLASS_FIRST, "preds": PREDS},
        {"probs": PIXELS, "preds": PREDS},
    ),
    spelled(
        Spelling.X_FIRST,
        {"detection_boxes": TALL_BOXES, "ori_img_shape": [128, 706]},
        {"detection_boxes": [[48.0, 630.0, 63.0, 702.0]], "ori_img_shape": [128, 706]},
    ),
    spelled(Spelling.NO_ERROR, {"error_code": 0, "error_msg": ""}, {}),
]


@pytest.mark.parametrize(("spelling", "given_fields", "meant"), DEVIATIONS)
def test_a_deviation_of_the_page_is_recognised(
    spelling: Spelling, given_fields: dict[str, Any], meant: dict[str, Any]
) -> None:
    before = deepcopy(given_fields)
    assert normalise(COMMON_FIELDS | given_fields) == (meant, frozenset({spelling}))
    assert given_fields == before


def test_every_deviation_is_tested_here() -> None:
    tested = {row.values[0] for row in DEVIATIONS}
    assert tested | {Spelling.NO_COMMON} == set(Spelling)


@pytest.mark.parametrize("left", [{}, {"success": True}, {"request_id": "1"}])
def test_absent_common_fields_are_told(left: Answer) -> None:
    """The page's table of `foreground_segmentation` lists none of them."""
    assert normalise(left | {"human_ratio": "0.5", "mask": [[1]]})[1] == {Spelling.NO_COMMON}


@pytest.mark.parametrize(
    "fields",
    [
        {"similarity": 0.7},  # a number is on the table's scale, to 100
        {"similarity": [70.0]},
        {"similarity": [0.5, 0.5]},
        {"detection_classe_names": ["a"], "detection_class_names": ["b"]},
        {"human_ratio": True},
        {"detection_boxes": TALL_BOXES},  # of a picture whose size is not known
        {"detection_boxes": TALL_BOXES, "ori_img_shape": [706, 706]},
        {"detection_boxes": [[0, 0, 800, 800]], "ori_img_shape": [128, 706]},  # wrong either way
        {"detection_boxes": [[0]], "ori_img_shape": [128, 706]},
        {"detection_boxes": ["box", None], "ori_img_shape": [128, 706]},
        {"detection_boxes": [], "ori_img_shape": [128, 706]},
        {"probs": BY_CLASS_LAST, "preds": [[1]]},
        {"probs": [[["a"]]], "preds": [[1]]},
        {"probs": PIXELS, "preds": PREDS},
    ],
)
def test_what_says_something_else_is_left_alone(fields: Answer) -> None:
    assert normalise(COMMON_FIELDS | fields) == (fields, frozenset())


def as_in_the_examples(fields: Answer) -> Answer:
    """The same answer spelled as the page's examples are."""
    fields = {name: value for name, value in fields.items() if name not in COMMON}
    if "detection_class_names" in fields:
        fields["detection_classe_names"] = fields.pop("detection_class_names")
    if "similarity" in fields:
        fields |= {"similarity": [fields["similarity"] / 100], "l2_distance": [fields["l2_distance"]]}
    return fields


@pytest.mark.parametrize("service", SERVICES)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_answer_as_in_the_examples_says_the_same_as_one_by_the_tables(service: str, seed: int) -> None:
    one = answer(service, np.random.default_rng(seed))
    comparison = compare(service, as_in_the_examples(one), one, tolerances())
    assert comparison.alike
    assert max(measure.value for measure in comparison.measures) < 1e-9
    assert Spelling.NO_COMMON in comparison.spellings[0]
    assert not comparison.spellings[1]
