"""What counts as the same detection, and that missing and extra ones both count against us."""

import pytest

from bench.accuracy_object_detection import Detection, are_alike, compare

BOX = (10.0, 20.0, 110.0, 220.0)
CAT = Detection(17, 0.8, BOX)
DOG = Detection(18, 0.5, (200.0, 0.0, 300.0, 50.0))


def shifted(pixels: float) -> tuple[float, float, float, float]:
    top, left, bottom, right = BOX
    return (top, left + pixels, bottom, right + pixels)


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (Detection(17, 0.8, BOX), True),
        (Detection(17, 0.815, shifted(5)), True),
        (Detection(17, 0.775, BOX), False),
        (Detection(17, 0.8, shifted(20)), False),  # overlap 180 / 220
        (Detection(18, 0.8, BOX), False),
    ],
)
def test_class_score_and_box_must_be_the_same(other: Detection, alike: bool) -> None:
    assert are_alike(CAT, other) is alike


def test_order_does_not_matter() -> None:
    parity = compare({"a": [CAT, DOG]}, {"a": [DOG, CAT]})
    assert (parity.detections, parity.alike, parity.differences) == (2, 2, [])


def test_missing_and_extra_detections_count() -> None:
    parity = compare({"a": [CAT], "b": []}, {"a": [], "b": [DOG]})
    assert (parity.detections, parity.alike) == (2, 0)
    assert parity.differences == [
        "a: TensorFlow class 17 0.800 at 10, 20, 110, 220, here nothing",
        "b: TensorFlow nothing, here class 18 0.500 at 200, 0, 300, 50",
    ]


def test_each_detection_has_one_partner() -> None:
    parity = compare({"a": [CAT]}, {"a": [Detection(17, 0.8, shifted(1)), Detection(17, 0.8, BOX)]})
    assert (parity.detections, parity.alike) == (2, 1)


def test_a_detection_that_differs_is_counted_once() -> None:
    parity = compare({"a": [CAT]}, {"a": [Detection(17, 0.6, BOX)]})
    assert (parity.detections, parity.alike) == (1, 0)


def test_other_pictures_are_an_error() -> None:
    with pytest.raises(ValueError, match="different pictures"):
        compare({"a": []}, {"b": []})


def test_nothing_found_by_either_is_alike() -> None:
    assert compare({"a": []}, {"a": []}) == compare({}, {})
