"""`scene_classification` field by field."""

from pathlib import Path

import pytest

from tests.contract.calls import answered, validated

SERVICE = "scene_classification"
PICTURES = ("china.jpg", "rocket.jpg", "astronaut.png", "page.png")


@pytest.mark.parametrize("name", PICTURES)
def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    assert fields.keys() == {"class", "class_name", "class_probs", "request_id", "success"}
    answer = validated(SERVICE, fields)
    names = list(answer.class_probs)
    assert sum(answer.class_probs.values()) == pytest.approx(1, abs=1e-3)
    assert [names[index] for index in answer.class_] == answer.class_name
    best = sorted(answer.class_probs.values(), reverse=True)[:5]
    assert [answer.class_probs[name] for name in answer.class_name] == best


def test_a_palace_roof_is_a_building_of_its_kind(gateway_url: str, sample_pictures: Path) -> None:
    names = answered(gateway_url, SERVICE, sample_pictures / "china.jpg")["class_name"]
    assert {"palace", "monastery"} & set(names[:2])
