import json

import numpy as np
import orjson
import pytest

from gateway.big_lists import BigList
from gateway.errors import InternalFault
from gateway.services import SERVICES, table
from modelhub.kinds import ByLabel, Counts, FaultyOutput, File, Masks, Number, Numbers, Tensors, Text, Texts
from tests.unit.gateway.fakes import classification, strings

NUMBERS = Numbers(float)


def dumped(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def test_numbers_are_written_as_the_shortest_that_read_back_as_the_same_float32() -> None:
    values = np.array([[0.1, 1e-10], [0.48115724, 3]], dtype=np.float32)
    assert dumped(NUMBERS.render({"x": values}, "x")) == "[[0.1,1e-10],[0.48115724,3.0]]"


@pytest.mark.parametrize("shape", [(0,), (0, 4), (0, 4, 2), (0, 0)])
def test_no_numbers_are_an_empty_list(shape: tuple[int, ...]) -> None:
    assert dumped(NUMBERS.render({"x": np.zeros(shape, dtype=np.float32)}, "x")) == "[]"


def test_texts_without_characters_have_empty_ids() -> None:
    assert dumped(NUMBERS.render({"ids": np.zeros((2, 0), dtype=np.int32)}, "ids")) == "[[],[]]"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_a_fault(value: float) -> None:
    outputs: Tensors = {"x": np.array([1, value], dtype=np.float32)}
    with pytest.raises(FaultyOutput, match="x holds numbers that are not finite"):
        NUMBERS.render(outputs, "x")


def test_one_number_and_one_string() -> None:
    assert Number(int).render({"x": np.array([3], dtype=np.int32)}, "x") == 3
    assert Text().render({"x": strings("鱼")}, "x") == "鱼"


def test_two_where_one_is_due_are_an_error() -> None:
    with pytest.raises(ValueError, match="size 1"):
        Number(int).render({"x": np.array([3, 4])}, "x")


def test_a_file_is_base64_in_its_tensor_too() -> None:
    assert File().render({"x": np.array([b"/9gA"], dtype=np.object_)}, "x") == "/9gA"
    assert File().read("/9gA") == b"\xff\xd8\x00"


def test_strings() -> None:
    assert Texts().render({"x": strings("a", "", "你好")}, "x") == ["a", "", "你好"]
    assert Texts().render({"x": strings()}, "x") == []


def test_numbers_by_label_keep_the_order_of_the_labels() -> None:
    outputs: Tensors = {"p": np.array([0.5, 0.25], dtype=np.float32), "l": strings("z\na")}
    assert list(ByLabel("l").render(outputs, "p").items()) == [("z", 0.5), ("a", 0.25)]


def test_labels_are_read_anew_when_they_change() -> None:
    render = ByLabel("l").render
    values = np.array([1, 2], dtype=np.float32)
    assert [
        *render({"p": values, "l": strings("a\nb")}, "p"),
        *render({"p": values, "l": strings("c\nd")}, "p"),
    ] == [*"abcd"]


def test_more_numbers_than_labels_are_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        ByLabel("l").render({"p": np.zeros(3), "l": strings("a\nb")}, "p")


def test_counts_by_name_keep_the_order_of_the_names() -> None:
    outputs: Tensors = {"names": strings("乙", "甲"), "many": np.array([2, 1], dtype=np.int32)}
    assert list(Counts("names", "many").render(outputs, "product_count").items()) == [("乙", 2), ("甲", 1)]
    assert dumped(Counts("names", "many").render(outputs, "product_count")) == '{"乙":2,"甲":1}'


def test_no_counts_are_an_empty_object() -> None:
    outputs: Tensors = {"names": strings(), "many": np.zeros(0, dtype=np.int32)}
    assert Counts("names", "many").render(outputs, "product_count") == {}


def test_a_label_that_stands_twice_is_a_fault_since_one_class_would_be_lost() -> None:
    with pytest.raises(InternalFault):
        SERVICES["image_classification"].render(classification((0.1, 0.2), ("crane", "crane")))


def test_names_of_rows_and_fields_are_said_once() -> None:
    for name, service in SERVICES.items():
        assert name == service.name
        assert set(service.pictures) <= set(service.request.model_fields)
        for picture, fields in zip(service.pictures, service.request.alternatives, strict=True):
            assert picture in fields
            assert set(fields) <= set(service.request.model_fields)


def test_a_table_is_written_as_text_of_one_width_where_that_is_exact() -> None:
    values = np.array([[0.5, 1], [0.1234, 0]], dtype=np.float32)
    written = table({"x": values}, "x")
    assert isinstance(written, BigList)
    assert json.loads(b"".join(written.pieces())) == [[0.5, 1.0], [0.1234, 0.0]]


def test_a_table_of_other_numbers_is_written_as_any() -> None:
    values = np.array([[0.48115724]], dtype=np.float32)
    assert dumped(table({"x": values}, "x")) == "[[0.48115724]]"
    with pytest.raises(FaultyOutput):
        table({"x": np.array([[np.nan]], dtype=np.float32)}, "x")


def masks(*counts: list[int]) -> Tensors:
    return {
        "m_counts": np.array([one for mask in counts for one in mask], dtype=np.int32),
        "m_lengths": np.array([len(mask) for mask in counts], dtype=np.int32),
        "m_size": np.array([2, 3], dtype=np.int32),
    }


@pytest.mark.parametrize("counts_of", [[], [[6]], [[0, 6], [6], [1, 2, 3]]])
def test_masks_are_cut_at_their_lengths(counts_of: list[list[int]]) -> None:
    rendered = json.loads(dumped(Masks("").render(masks(*counts_of), "m")))
    assert rendered == [{"counts": counts, "size": [2, 3]} for counts in counts_of]
