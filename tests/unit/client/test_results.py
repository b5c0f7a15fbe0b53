"""Typed results: every field of every answer, in arrays of the documented types, in any form of its masks."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from PIL import Image

from gateway.services import SERVICES
from modelhub.http import Answer
from modelhub.kinds import plain
from modelhub.results import (
    RESULTS,
    ForegroundSegmentation,
    ImageColorization,
    InstanceSegmentation,
    Ocr,
    SemanticSegmentation,
    result_of,
)
from tests.unit.client.outputs import OUTPUTS, Outputs
from vision.mask_formats import MASK_FORMATS
from vision.rle import encode

every_service = pytest.mark.parametrize("service", OUTPUTS)
every_form = pytest.mark.parametrize("form", MASK_FORMATS)


def outputs_of(service: str, seed: int) -> Outputs:
    return OUTPUTS[service](np.random.default_rng(seed))


def rendered(service: str, outputs: Outputs) -> Answer:
    return {"request_id": "an id", **RESULTS[service].render(outputs)}


def answer_of(service: str, outputs: Outputs) -> Answer:
    return plain(rendered(service, outputs))


def parsed(value: object) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))


ARRAYS: Mapping[str, tuple[str, str | None]] = {
    "detection_boxes": ("float32", "n4"),
    "detection_scores": ("float32", "n"),
    "detection_classes": ("int32", "n"),
    "detection_keypoints": ("float32", "n42"),
    "detection_texts_scores": ("float32", "n"),
    "probs": ("float32", None),
    "preds": ("uint8", None),
}
"""Fields whose arrays are the tensors themselves: dtype, and shape where n may be 0."""


@every_service
@pytest.mark.parametrize("seed", range(8))
def test_arrays_are_the_tensors(service: str, seed: int) -> None:
    outputs = outputs_of(service, seed)
    result = result_of(service, answer_of(service, outputs))
    assert result.request_id == "an id"
    for name, (dtype, axes) in ARRAYS.items():
        if name not in outputs:
            continue
        array = getattr(result, name)
        assert array.dtype == dtype
        assert axes is None or array.shape == tuple(
            len(outputs[name]) if one == "n" else int(one) for one in axes
        )
        np.testing.assert_array_equal(array, outputs[name])


@every_service
@pytest.mark.parametrize("seed", range(8))
def test_tensors_and_json_make_equal_results(service: str, seed: int) -> None:
    """Straight from Triton no list is made between the tensor and the result's array."""
    outputs = outputs_of(service, seed)
    ours = vars(result_of(service, rendered(service, outputs)))
    for name, value in vars(result_of(service, answer_of(service, outputs))).items():
        if name != "encoded_masks":
            np.testing.assert_array_equal(ours[name], value)
            assert type(ours[name]) is type(value)


@every_service
def test_every_field_of_an_answer_has_one_of_its_name(service: str) -> None:
    result = RESULTS[service].from_answer(answer_of(service, outputs_of(service, 1)))
    aliases = {"class": "class_"}
    for name in SERVICES[service].fields:
        assert hasattr(result, aliases.get(name, name))


@every_service
def test_a_field_that_lacks_is_named(service: str) -> None:
    for name in SERVICES[service].fields:
        answer = answer_of(service, outputs_of(service, 2))
        del answer[name]
        with pytest.raises(KeyError, match=name):
            result_of(service, answer)


def masks_of(outputs: Outputs) -> list[NDArray[np.bool_]]:
    """The masks by the definition of run lengths, one number at a time."""
    counts, size = iter(outputs["detection_masks_counts"].tolist()), outputs["detection_masks_size"]
    masks = []
    for length in outputs["detection_masks_lengths"].tolist():
        pixels = [index % 2 == 1 for index in range(length) for _ in range(next(counts))]
        masks.append(np.array(pixels, dtype=np.bool_).reshape(size))
    return masks


@every_form
@pytest.mark.parametrize("seed", range(12))
def test_masks_of_things_are_read_in_every_form(form: str, seed: int) -> None:
    outputs = outputs_of("instance_segmentation", seed)
    answer, masks = answer_of("instance_segmentation", outputs), masks_of(outputs)
    height, width = outputs["detection_masks_size"].tolist()
    answer["detection_masks"] = parsed([MASK_FORMATS[form](encode(mask), (height, width)) for mask in masks])
    result = InstanceSegmentation.from_answer(answer)
    assert result.detection_masks.dtype == np.bool_
    assert result.detection_masks.shape == ((len(masks), height, width) if masks else (0, 0, 0))
    for index, mask in enumerate(masks):
        np.testing.assert_array_equal(result.detection_masks[index], mask)
        np.testing.assert_array_equal(result.mask(index), mask)


def test_masks_are_decoded_once_and_only_when_asked_for() -> None:
    outputs = next(one for seed in range(9) if masks_of(one := outputs_of("instance_segmentation", seed)))
    result = InstanceSegmentation.from_answer(answer_of("instance_segmentation", outputs))
    assert "detection_masks" not in vars(result)
    assert result.detection_masks is result.detection_masks


@every_form
@pytest.mark.parametrize("seed", range(4))
def test_the_mask_of_people_is_read_in_every_form(form: str, seed: int) -> None:
    outputs = outputs_of("foreground_segmentation", seed)
    mask = outputs["mask"].astype(np.bool_)
    height, width = mask.shape
    answer = answer_of("foreground_segmentation", outputs)
    answer["mask"] = parsed(MASK_FORMATS[form](encode(mask), (height, width)))
    result = ForegroundSegmentation.from_answer(answer)
    assert result.human_ratio == float(answer["human_ratio"])
    assert result.mask.dtype == np.bool_
    np.testing.assert_array_equal(result.mask, mask)


@pytest.mark.parametrize("form", sorted(set(MASK_FORMATS) - {"png"}))
@pytest.mark.parametrize("seed", range(4))
def test_classes_are_read_from_a_mask_for_each(form: str, seed: int) -> None:
    outputs = outputs_of("semantic_segmentation", seed)
    preds, probs = outputs["preds"], outputs["probs"]
    fields = SERVICES["semantic_segmentation"].render(outputs, MASK_FORMATS[form])
    result = SemanticSegmentation.from_answer({"request_id": "an id", **parsed(fields)})
    assert (result.preds.dtype.name, result.probs.dtype.name) == ("uint8", "float32")
    np.testing.assert_array_equal(result.preds, preds)
    for one in np.unique(preds):
        np.testing.assert_allclose(result.probs[preds == one], probs[preds == one].mean(), rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_classes_are_read_from_pictures_of_grey_with_probabilities_nearly(seed: int) -> None:
    outputs = outputs_of("semantic_segmentation", seed)
    fields = SERVICES["semantic_segmentation"].render(outputs, MASK_FORMATS["png"])
    result = SemanticSegmentation.from_answer({"request_id": "an id", **fields})
    np.testing.assert_array_equal(result.preds, outputs["preds"])
    np.testing.assert_allclose(result.probs, outputs["probs"], atol=0.5 / 255 + 1e-6)
    assert (result.preds.dtype.name, result.probs.dtype.name) == ("uint8", "float32")


def test_the_coloured_picture_is_opened() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (5, 4), (200, 10, 10)).save(buffer, "PNG")
    answer = {"request_id": "an id", "out_image": base64.b64encode(buffer.getvalue()).decode()}
    result = ImageColorization.from_answer(answer)
    assert result.out_image == buffer.getvalue()
    assert (result.picture().mode, result.picture().size) == ("RGB", (5, 4))


@pytest.mark.parametrize(("count", "ids"), [(0, (0, 0)), (2, (2, 0))])
def test_no_text_and_texts_of_no_letters_keep_their_axes(count: int, ids: tuple[int, int]) -> None:
    answer = {
        "request_id": "an id",
        "detection_boxes": [[0, 0, 1, 1]] * count,
        "detection_scores": [0.5] * count,
        "detection_classes": [1] * count,
        "detection_class_names": ["text"] * count,
        "detection_keypoints": [[[0, 0]] * 4] * count,
        "detection_texts_ids": [[]] * count,
        "detection_texts": [""] * count,
        "detection_texts_scores": [0.5] * count,
    }
    result = Ocr.from_answer(answer)
    assert result.detection_texts_ids.shape == ids
    assert result.detection_keypoints.shape == (count, 4, 2)
    assert result.detection_boxes.shape == (count, 4)
