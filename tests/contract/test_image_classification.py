"""`image_classification` field by field."""

from pathlib import Path

import numpy as np
import pytest

from tests.contract.calls import answered, on_its_side, post, validated

SERVICE = "image_classification"
PICTURES = ("astronaut.png", "chelsea.png", "coffee.png", "page.png", "text.png", "china.jpg", "flower.jpg")


@pytest.mark.parametrize("name", PICTURES)
def test_every_field_is_as_documented(gateway_url: str, sample_pictures: Path, name: str) -> None:
    fields = answered(gateway_url, SERVICE, sample_pictures / name)
    assert fields.keys() == {"class", "class_name", "class_probs", "request_id", "success"}
    answer = validated(SERVICE, fields)
    probs = answer.class_probs
    assert len(probs) == 1000
    assert sum(probs.values()) == pytest.approx(1, abs=1e-3)
    assert max(probs, key=lambda label: probs[label]) == answer.class_name
    assert list(probs)[answer.class_] == answer.class_name


@pytest.mark.parametrize(
    ("name", "words"), [("chelsea.png", ("cat", "tabby")), ("coffee.png", ("espresso", "cup"))]
)
def test_known_pictures_are_known(
    gateway_url: str, sample_pictures: Path, name: str, words: tuple[str, ...]
) -> None:
    class_name = answered(gateway_url, SERVICE, sample_pictures / name)["class_name"].lower()
    assert any(word in class_name for word in words)


def test_every_numbers_text_reads_back_as_the_same_float32(gateway_url: str, sample_pictures: Path) -> None:
    probs = answered(gateway_url, SERVICE, sample_pictures / "chelsea.png")["class_probs"].values()
    assert all(float(np.float32(value)) == value for value in probs)


def test_the_same_picture_has_the_same_answer(gateway_url: str, sample_pictures: Path) -> None:
    file = (sample_pictures / "coffee.png").read_bytes()
    first, second = (post(gateway_url, SERVICE, file).json() for _ in range(2))
    assert first.pop("request_id") != second.pop("request_id")
    assert first == second
    assert first["success"] is True


def test_a_picture_on_its_side_is_seen_upright(gateway_url: str, sample_pictures: Path) -> None:
    turned = answered(gateway_url, SERVICE, on_its_side(sample_pictures / "chelsea.png"))
    straight = answered(gateway_url, SERVICE, sample_pictures / "chelsea.png")
    assert turned["class_probs"] == pytest.approx(straight["class_probs"], abs=1e-5)
