import numpy as np
import orjson
import pytest

from gateway.errors import InternalFault
from gateway.services import SERVICES, by_label, number, numbers, text, texts
from gateway.tensors import Tensors
from tests.unit.gateway.fakes import classification, strings


def dumped(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def test_numbers_are_written_as_the_shortest_that_read_back_as_the_same_float32() -> None:
    values = np.array([[0.1, 1e-10], [0.48115724, 3]], dtype=np.float32)
    assert dumped(numbers({"x": values}, "x")) == "[[0.1,1e-10],[0.48115724,3.0]]"


@pytest.mark.parametrize("shape", [(0,), (0, 4), (0, 4, 2), (0, 0)])
def test_no_numbers_are_an_empty_list(shape: tuple[int, ...]) -> None:
    assert dumped(numbers({"x": np.zeros(shape, dtype=np.float32)}, "x")) == "[]"


def test_texts_without_characters_have_empty_ids() -> None:
    assert dumped(numbers({"ids": np.zeros((2, 0), dtype=np.int32)}, "ids")) == "[[],[]]"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_a_fault(value: float) -> None:
    outputs: Tensors = {"x": np.array([1, value], dtype=np.float32)}
    with pytest.raises(InternalFault) as caught:
        numbers(outputs, "x")
    assert caught.value.detail == "x holds numbers that are not finite"


def test_one_number_and_one_string() -> None:
    assert number({"x": np.array([3], dtype=np.int32)}, "x") == 3
    assert text({"x": strings("鱼")}, "x") == "鱼"


def test_two_where_one_is_due_are_an_error() -> None:
    with pytest.raises(ValueError, match="size 1"):
        number({"x": np.array([3, 4])}, "x")


def test_strings() -> None:
    assert texts({"x": strings("a", "", "你好")}, "x") == ["a", "", "你好"]
    assert texts({"x": strings()}, "x") == []


def test_numbers_by_label_keep_the_order_of_the_labels() -> None:
    outputs: Tensors = {"p": np.array([0.5, 0.25], dtype=np.float32), "l": strings("z\na")}
    assert list(by_label("l")(outputs, "p").items()) == [("z", 0.5), ("a", 0.25)]


def test_labels_are_read_anew_when_they_change() -> None:
    render = by_label("l")
    values = np.array([1, 2], dtype=np.float32)
    assert [
        *render({"p": values, "l": strings("a\nb")}, "p"),
        *render({"p": values, "l": strings("c\nd")}, "p"),
    ] == [*"abcd"]


def test_more_numbers_than_labels_are_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        by_label("l")({"p": np.zeros(3), "l": strings("a\nb")}, "p")


def test_a_label_that_stands_twice_is_a_fault_since_one_class_would_be_lost() -> None:
    with pytest.raises(InternalFault):
        SERVICES["image_classification"].render(classification((0.1, 0.2), ("crane", "crane")))


def test_names_of_rows_and_fields_are_said_once() -> None:
    for name, service in SERVICES.items():
        assert name == service.name
        assert set(service.pictures) <= set(service.request.model_fields)
