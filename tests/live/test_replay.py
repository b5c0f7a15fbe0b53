"""Our system compared with itself, and with a server in front of it that answers in known other ways."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from demo.samples import requests
from gateway.services import SERVICES
from modelhub.command import app
from modelhub.http import documented_body
from modelhub.replay.spelling import COMMON, Spelling
from tests import web
from tests.unit.client.replay.answers import picture
from tests.unit.client.replay.pages import assert_self_contained
from tests.unit.client.replay.stand_in import Answered, Asked, standing_in
from tests.unit.client.replay.test_spelling import as_in_the_examples

pytestmark = pytest.mark.usefixtures("under_load")

TIMEOUT_S = 60
Answer = dict[str, Any]
Change = Callable[[Answer], Answer]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One request to each service."""
    path = tmp_path_factory.mktemp("recording") / "requests.jsonl"
    rows = []
    for service in SERVICES:
        name, files = next(requests(service))
        body = documented_body(files).decode()
        rows.append(json.dumps({"id": name, "service": service, "body": body}))
    path.write_text("\n".join(rows))
    return path


def replayed(recording: Path, one: str, two: str, report: Path) -> tuple[int, dict[str, Any]]:
    words = ["replay", recording, "--from", one, "--to", two, "--out", report, "--json"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code in (0, 1), done.output
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture(scope="module")
def answers(gateway_url: str, recording: Path) -> dict[str, Answer]:
    """What the system answers to each of the requests."""
    found = {}
    for row in map(json.loads, recording.read_text().splitlines()):
        url = f"{gateway_url}/api/predict/{row['service']}"
        response = web.post(url, content=row["body"], timeout=TIMEOUT_S)
        found[row["service"]] = response.raise_for_status().json()
    return found


def telling(answers: dict[str, Answer]) -> Callable[[Asked], Answered]:
    return lambda asked: Answered(answers[asked.service])


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


def test_the_system_and_itself_are_alike(gateway_url: str, recording: Path, report: Path) -> None:
    status, facts = replayed(recording, gateway_url, gateway_url, report)
    assert status == 0, facts
    assert facts["services"].keys() == SERVICES.keys()
    for name, one in facts["services"].items():
        assert one["requests_alike"] == one["requests"] == 1, name
        assert not one["failures"], name
        assert not one["spellings"]["from"], name
        assert all(figure["worst"] <= 1e-6 for figure in one["figures"].values()), name
    assert "img" not in assert_self_contained(report.read_text()).tags


def test_answers_like_the_pages_examples_are_alike_and_spelled_otherwise(
    answers: dict[str, Answer], recording: Path, report: Path
) -> None:
    in_other_words = {service: as_in_the_examples(answer) for service, answer in answers.items()}
    with standing_in(telling(in_other_words)) as hosted, standing_in(telling(answers)) as ours:
        status, facts = replayed(recording, hosted.url, ours.url, report)
    assert status == 0, facts
    for one in facts["services"].values():
        assert Spelling.NO_COMMON in one["spellings"]["from"]
        assert not one["spellings"]["to"]
    assert Spelling.CLASSE_NAMES in facts["services"]["ocr"]["spellings"]["from"]
    assert Spelling.SIMILARITY_LIST in facts["services"]["image_similarity"]["spellings"]["from"]


def other(**fields: Callable[[Any], Any]) -> Change:
    def change(answer: Answer) -> Answer:
        return answer | {name: make(answer[name]) for name, make in fields.items()}

    return change


def without_the_first(answer: Answer) -> Answer:
    return {name: value if name in COMMON else value[1:] for name, value in answer.items()}


def everything(masks: list[Answer]) -> list[Answer]:
    height, width = masks[0]["size"]
    return [{"counts": [0, height * width], "size": [height, width]}, *masks[1:]]


def half(image: str) -> str:
    assert base64.b64decode(image)
    return picture(np.zeros((8, 8, 3)))


def backwards(texts: list[str]) -> list[str]:
    return [text[::-1] for text in texts]


def inside_out(table: list[list[int]]) -> list[list[int]]:
    return [[1 - value for value in row] for row in table]


def next_class(table: list[list[int]]) -> list[list[int]]:
    return [[(value + 1) % 21 for value in row] for row in table]


def more_of_the_first(counts: dict[str, int]) -> dict[str, int]:
    return counts | {next(iter(counts)): 99}


PERTURBATIONS: dict[str, tuple[Change, set[str]]] = {
    "image_classification": (
        other(class_name=lambda name: f"other {name}"),
        {"class_name", "class_name.set"},
    ),
    "scene_classification": (other(class_name=backwards), {"class_name", "class_name.set"}),
    "image_similarity": (other(similarity=lambda _: 99.0), {"similarity", "similarity.side"}),
    "object_detection": (without_the_first, {"detections.missing"}),
    "instance_segmentation": (other(detection_masks=everything), {"detection_masks"}),
    "semantic_segmentation": (other(preds=next_class), {"preds"}),
    "foreground_segmentation": (other(mask=inside_out), {"mask"}),
    "shelf_counting": (other(product_count=more_of_the_first), {"product_count", "product_count.total"}),
    "image_colorization": (other(out_image=half), {"out_image.size"}),
    "ocr": (other(detection_texts=backwards), {"detection_texts"}),
}


def test_each_known_difference_is_found_named_and_shown(
    gateway_url: str, answers: dict[str, Answer], recording: Path, report: Path
) -> None:
    assert PERTURBATIONS.keys() == SERVICES.keys()
    other_answers = {service: PERTURBATIONS[service][0](answer) for service, answer in answers.items()}
    with standing_in(telling(other_answers)) as changed:
        status, facts = replayed(recording, gateway_url, changed.url, report)
    assert status == 1
    for service, (_, names) in PERTURBATIONS.items():
        (worst,) = facts["services"][service]["worst"]
        assert {row["figure"] for row in worst["beyond"]} == names, service
    page = assert_self_contained(report.read_text())
    assert page.tags.count("img") == 2 * len(SERVICES)
    assert SERVICES.keys() <= page.anchors


def test_a_side_that_fails_is_told_by_its_codes(
    answers: dict[str, Answer], recording: Path, report: Path
) -> None:
    def too_large(asked: Asked) -> Answered:
        return Answered({"success": False, "error_code": 41302, "error_msg": "no"}, 413)

    with standing_in(too_large) as failing, standing_in(telling(answers)) as ours:
        status, facts = replayed(recording, failing.url, ours.url, report)
    assert status == 1
    for one in facts["services"].values():
        assert one["failures"] == [{"from": "41302", "to": "an answer", "requests": 1}]
