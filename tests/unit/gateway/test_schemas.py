"""The examples that the published page shows fit the schemas, but for the one key that it misspells."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.schemas import Answer, ImageRequest, SimilarityRequest
from gateway.services import SERVICES

CLASSIFICATION, OCR = (SERVICES[name].answer for name in ("image_classification", "ocr"))
CLASSIFICATION_EXAMPLE = """
{
"class": 3,
"class_name": "coho4",
"class_probs": {"coho1": 4.028851974258174e-10,
          "coho2": 0.48115724325180054,
          "coho3": 5.116515922054532e-07,
          "coho4": 0.5188422446937221},
 "request_id": "9ac294a4-f387-4c48-b640-d2c6d41f****",
 "success": true
}
"""
OCR_EXAMPLE = """
{
"detection_keypoints": [
  [[243.57516479492188, 198.84210205078125], [243.91038513183594, 247.62425231933594],
   [385.5513916015625, 246.61660766601562], [385.2197570800781, 197.79345703125]],
  [[292.2718200683594, 114.44700622558594], [292.2237243652344, 164.684814453125],
   [571.1962890625, 164.931640625], [571.2444458007812, 114.67433166503906]]],
"detection_boxes": [[243.5308074951172, 197.69570922851562, 385.59625244140625, 247.7247772216797],
                    [292.1929931640625, 114.28043365478516, 571.2748413085938, 165.09771728515625]],
"detection_scores": [0.9942291975021362, 0.9940272569656372],
"detection_classes": [1, 1],
"detection_classe_names": ["text", "text"],
"detection_texts_ids" : [[1,2,2008,12], [1,2,2008,12]],
"detection_texts": ["这是示例", "这是示例"],
"detection_texts_scores" : [0.88, 0.88],
"request_id": "9ac294a4-f387-4c48-b640-d2c6d41f****",
"success": true
}
"""


def example(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(text.replace("detection_classe_names", "detection_class_names"))
    return fields


@pytest.mark.parametrize(("schema", "text"), [(CLASSIFICATION, CLASSIFICATION_EXAMPLE), (OCR, OCR_EXAMPLE)])
def test_documented_answers(schema: type[Answer], text: str) -> None:
    fields = example(text)
    assert schema.model_validate(fields).model_dump(by_alias=True) == fields


def test_the_documented_request() -> None:
    assert ImageRequest.model_validate_json('{"image": "图像文件内容的Base 64编码"}').image


@pytest.mark.parametrize("fields", [("imagea", "imageb"), ("imagea", "inputb"), ("inputa", "inputb")])
def test_requests_for_two_pictures(fields: tuple[str, str]) -> None:
    body = {name: {"url": "http://a.test/"} if name.startswith("input") else "AAAA" for name in fields}
    assert tuple(SimilarityRequest.model_validate(body).given()) == fields
    for name in fields:
        with pytest.raises(ValidationError, match=f"image{name[-1]}: Field required"):
            SimilarityRequest.model_validate({**body, name: None})


@pytest.mark.parametrize(("schema", "text"), [(CLASSIFICATION, CLASSIFICATION_EXAMPLE), (OCR, OCR_EXAMPLE)])
def test_every_field_is_required(schema: type[Answer], text: str) -> None:
    fields = example(text)
    for name in fields:
        with pytest.raises(ValidationError, match=name):
            schema.model_validate({key: value for key, value in fields.items() if key != name})


def test_every_field_of_every_schema_is_described() -> None:
    for schema in (ImageRequest, SimilarityRequest, CLASSIFICATION, OCR):
        assert all(field.description for field in schema.model_fields.values())
