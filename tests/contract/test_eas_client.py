"""The hosted service's own client works against this system by a change of its endpoint alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import uv

from gateway.schemas import ClassificationAnswer, OcrAnswer

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "eas.txt"
SCRIPT = Path(__file__).with_name("eas_client.py")

HAS_TOKEN = pytest.mark.parametrize(
    "token", [[], ["a token that is not configured here"]], ids=["unsigned", "signed"]
)


def predict(url: str, service: str, picture: Path, token: list[str]) -> "subprocess.CompletedProcess[bytes]":
    environment = ["--isolated", "--no-project", "--python", sys.executable]
    packages = ["--with-requirements", str(REQUIREMENTS)]
    command = [uv.find_uv_bin(), "run", "--quiet", *environment, *packages, "python", str(SCRIPT)]
    return subprocess.run([*command, url, service, str(picture), *token], capture_output=True, check=False)


def answer(url: str, service: str, picture: Path, token: list[str]) -> dict[str, Any]:
    done = predict(url, service, picture, token)
    assert done.returncode == 0, done.stderr.decode()
    fields: dict[str, Any] = json.loads(done.stdout)
    return fields


@HAS_TOKEN
def test_image_classification(gateway_url: str, sample_pictures: Path, token: list[str]) -> None:
    fields = answer(gateway_url, "image_classification", sample_pictures / "chelsea.png", token)
    assert "cat" in ClassificationAnswer.model_validate(fields).class_name.lower()


@HAS_TOKEN
def test_ocr(gateway_url: str, sample_pictures: Path, token: list[str]) -> None:
    fields = answer(gateway_url, "ocr", sample_pictures / "page.png", token)
    assert OcrAnswer.model_validate(fields).detection_texts


def test_a_failure_of_the_caller_is_raised_and_not_tried_again(gateway_url: str) -> None:
    done = predict(gateway_url, "ocr", Path(__file__), [])
    assert done.returncode != 0
    assert b"40004" in done.stderr
