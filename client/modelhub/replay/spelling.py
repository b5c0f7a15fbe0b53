"""Answers as the contract has them, and where they were spelled otherwise.

The published page contradicts itself: its examples spell a field otherwise than its tables, put numbers into
lists, leave common fields out, swap coordinates. A hosted endpoint that answers like the examples says the
same as one that answers like the tables. What is told here is a spelling; what is left is compared.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np

Answer = dict[str, Any]
"""The fields of an answer as parsed from JSON, of whatever endpoint: nothing is certain about its values."""

_SLACK = 2
"""Pixels by which a box may leave the picture without saying anything about its coordinates' order."""

COMMON = ("request_id", "success", "error_code", "error_msg")


class Spelling(StrEnum):
    """Ways in which an answer differs from the contract without saying anything else."""

    CLASSE_NAMES = "`detection_classe_names` stands for `detection_class_names`"
    BOTH_NAMES = "`detection_classe_names` stands beside `detection_class_names` and says the same"
    NO_COMMON = "`request_id` or `success` is absent"
    NO_ERROR = "`error_code` or `error_msg` stands in an answer that is none"
    SIMILARITY_LIST = "`similarity` is a list of one number, from 0 to 1"
    DISTANCE_LIST = "`l2_distance` is a list of one number"
    RATIO_NUMBER = "`human_ratio` is a number, not a string"
    PROBS_BY_CLASS = "`probs` has every class of a pixel, not that of `preds` alone"
    X_FIRST = "`detection_boxes` are left, top, right, bottom"


def normalise(answer: Answer) -> tuple[Answer, frozenset[Spelling]]:
    """Return the answer's own fields as the contract spells them, and what was mended."""
    fields = {name: value for name, value in answer.items() if name not in COMMON}
    found = set[Spelling]()
    if not answer.keys() >= {"request_id", "success"}:
        found.add(Spelling.NO_COMMON)
    if answer.keys() & {"error_code", "error_msg"}:
        found.add(Spelling.NO_ERROR)
    for mend in _MENDS:
        spelling = mend(fields)
        if spelling is not None:
            found.add(spelling)
    return fields, frozenset(found)


def _class_names(fields: Answer) -> Spelling | None:
    misspelt, right = "detection_classe_names", "detection_class_names"
    if misspelt not in fields:
        return None
    if right not in fields:
        fields[right] = fields.pop(misspelt)
        return Spelling.CLASSE_NAMES
    if fields[right] != fields[misspelt]:
        return None  # two things are said: the second is left to be compared as an unknown field
    del fields[misspelt]
    return Spelling.BOTH_NAMES


def _similarity(fields: Answer) -> Spelling | None:
    match fields.get("similarity"):
        case [int() | float() as value] if 0 <= value <= 1:
            fields["similarity"] = value * 100
            return Spelling.SIMILARITY_LIST
    return None


def _distance(fields: Answer) -> Spelling | None:
    match fields.get("l2_distance"):
        case [int() | float() as value]:
            fields["l2_distance"] = value
            return Spelling.DISTANCE_LIST
    return None


def _human_ratio(fields: Answer) -> Spelling | None:
    value = fields.get("human_ratio")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    fields["human_ratio"] = str(value)
    return Spelling.RATIO_NUMBER


def _probs(fields: Answer) -> Spelling | None:
    """Take each pixel's largest where there is one for each class, along the last or the first axis."""
    match fields:
        case {"probs": [[[_, *_], *_], *_] as probs, "preds": [[_, *_], *_] as preds}:
            try:
                values = np.asarray(probs, dtype=np.float64)
            except (TypeError, ValueError):
                return None  # not numbers all over: told as a field that cannot be read
            size = (len(preds), len(preds[0]))
            if size not in (values.shape[:2], values.shape[1:]):
                return None
            fields["probs"] = values.max(axis=-1 if values.shape[:2] == size else 0).tolist()
            return Spelling.PROBS_BY_CLASS
    return None


def _boxes(fields: Answer) -> Spelling | None:
    """Swap the coordinates of boxes that leave the picture and, x first, do not; its size must be known."""
    match fields:
        case {"detection_boxes": list(boxes), "ori_img_shape": [int(height), int(width)]} if boxes:
            try:
                lowest, rightmost = max(box[2] for box in boxes), max(box[3] for box in boxes)
                x_first = height + _SLACK < lowest <= width + _SLACK and rightmost <= height + _SLACK
                if not x_first:
                    return None
                fields["detection_boxes"] = [[y1, x1, y2, x2] for x1, y1, x2, y2 in boxes]
            except (TypeError, ValueError, IndexError, KeyError):
                return None  # no boxes: told as a field that cannot be read
            return Spelling.X_FIRST
    return None


_MENDS: tuple[Callable[[Answer], Spelling | None], ...] = (
    _class_names,
    _similarity,
    _distance,
    _human_ratio,
    _probs,
    _boxes,
)
