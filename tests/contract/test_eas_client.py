"""The hosted service's own client works against this system by a change of its endpoint alone."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pybase64
import pytest
import uv

from embedded.paths import ROOT
from tests import web
from tests.conftest import StartGateway
from tests.contract.calls import TIMEOUT_S, refused, validated

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
    assert "cat" in validated("image_classification", fields).class_name.lower()


@HAS_TOKEN
def test_ocr(gateway_url: str, sample_pictures: Path, token: list[str]) -> None:
    fields = answer(gateway_url, "ocr", sample_pictures / "page.png", token)
    assert validated("ocr", fields).detection_texts


def test_a_failure_of_the_caller_is_raised_and_not_tried_again(gateway_url: str) -> None:
    done = predict(gateway_url, "ocr", Path(__file__), [])
    assert done.returncode != 0
    assert b"40004" in done.stderr


TOKEN = "YWFlMDYyZDNmNTc3M2I3MzMwYmY0MmYwM2Y2MTYxMTY4NzBkNzdjOQ=="  # as the hosted service makes them
NARROW = "a-token-for-reading-text-alone"


@pytest.fixture
def guarded(another_gateway: StartGateway, tmp_path: Path) -> str:
    """A gateway that wants a token, before the Triton of all tests."""
    file = tmp_path / "tokens"
    file.write_text(f"# everything\n{TOKEN}\nocr,image_similarity {NARROW}\n")
    file.chmod(0o600)
    return another_gateway(token_file=file)


def is_refused(url: str, service: str, picture: Path, token: list[str]) -> bool:
    done = predict(url, service, picture, token)
    return done.returncode != 0 and b"40101" in done.stderr


def test_where_a_token_is_needed_the_client_is_let_in_with_it_and_not_without(
    guarded: str, sample_pictures: Path
) -> None:
    picture = sample_pictures / "chelsea.png"
    fields = answer(guarded, "image_classification", picture, [TOKEN])
    assert "cat" in validated("image_classification", fields).class_name.lower()
    for wrong in ([], [TOKEN[:-1]], [TOKEN.lower()], [NARROW]):
        assert is_refused(guarded, "image_classification", picture, wrong)


def test_a_token_of_a_service_signs_for_that_service(guarded: str, sample_pictures: Path) -> None:
    fields = answer(guarded, "ocr", sample_pictures / "page.png", [NARROW])
    assert validated("ocr", fields).detection_texts


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ({"Authorization": TOKEN}, 200),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": NARROW}, 40101),
        ({"Authorization": f"EAS {TOKEN}"}, 40101),
        ({"Authorization": f"Basic {TOKEN}"}, 40101),
        ({}, 40101),
    ],
    ids=["plain", "bearer", "of another service", "no signature", "another scheme", "none"],
)
def test_the_plain_form(
    guarded: str, sample_pictures: Path, authorization: dict[str, str], code: int
) -> None:
    picture = pybase64.b64encode_as_string((sample_pictures / "chelsea.png").read_bytes())
    url = f"{guarded}/api/predict/image_classification"
    sent = {"json": {"image": picture}, "headers": authorization}
    response = web.post(url, **sent, timeout=TIMEOUT_S)  # type: ignore[arg-type]
    if code == 200:
        validated("image_classification", response.json())
    else:
        refused(response, code)
        assert response.headers["www-authenticate"]


def test_a_token_that_is_withdrawn_is_refused_within_two_seconds(guarded: str, tmp_path: Path) -> None:
    url = f"{guarded}/api/predict/ocr"

    def status(token: str) -> int:
        headers = {"Authorization": token}
        return web.post(url, content=b"{}", headers=headers).status_code

    assert (status(TOKEN), status(NARROW)) == (400, 400)
    (tmp_path / "tokens").write_text(f"{TOKEN}\n")
    ends_at = time.monotonic() + 2
    while status(NARROW) != 401:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    assert status(TOKEN) == 400
    assert web.get(f"{guarded}/health/live").status_code == 200


def test_a_gateway_whose_file_of_tokens_is_not_there_does_not_start(tmp_path: Path) -> None:
    environment = os.environ | {"MODELHUB_TOKEN_FILE": str(tmp_path / "none")}
    ended = subprocess.run(
        [sys.executable, "-m", "gateway"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.decode().splitlines()
    assert "tokens" in line
