"""`modelhub replay`: its words, what it prints and writes, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from embedded.paths import ROOT
from modelhub.command import app
from tests.unit.client.replay.answers import HEIGHT, WIDTH, answer, picture
from tests.unit.client.replay.pages import assert_self_contained
from tests.unit.client.replay.stand_in import Answered, Asked, Script, StandIn, standing_in
from tests.unit.client.scripted import refusing

TOKEN = "a-token-that-nobody-may-see"
Serve = Callable[[Script], StandIn]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(standing_in(script))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    body = {"image": picture(np.zeros((HEIGHT, WIDTH, 3)))}
    rows = [
        {"id": "first", "service": "object_detection", "body": body},
        {"id": "second", "service": "image_classification", "body": body},
        {"id": "third", "service": "object_detection", "body": body},
    ]
    path = tmp_path / "requests.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def answering(**changes: Any) -> Script:  # noqa: ANN401
    """The same answer to every request for a service, but for fields that are changed."""

    def script(asked: Asked) -> Answered:
        one = answer(asked.service, np.random.default_rng(4))
        return Answered(one | {name: value for name, value in changes.items() if name in one})

    return script


def echoing(asked: Asked) -> Answered:
    """Tells its caller's token."""
    content = {"success": False, "error_code": 50001, "error_msg": asked.headers["Authorization"]}
    return Answered(content, 400)


def replay(*words: object) -> Result:
    return CliRunner().invoke(app, ["replay", *map(str, words)])


def test_alike_ends_with_0_and_a_line_for_every_service(serve: Serve, recording: Path) -> None:
    one, two = serve(answering()), serve(answering())
    done = replay(recording, "--from", one.url, "--to", two.url)
    assert done.exit_code == 0, done.output
    for service in ("image_classification", "object_detection"):
        (line,) = [line for line in done.stdout.splitlines() if service in line]
        assert "alike" in line
    assert [asked.service for asked in one.asked] == [asked.service for asked in two.asked]


def test_a_difference_ends_with_1_and_is_named(serve: Serve, recording: Path, tmp_path: Path) -> None:
    one, two = serve(answering()), serve(answering(**{"class": 7}))
    report = tmp_path / "report.html"
    done = replay(recording, "--from", one.url, "--to", two.url, "--out", report, "--json")
    assert done.exit_code == 1, done.output
    facts = json.loads(done.stdout)
    assert facts["services"]["object_detection"]["alike"]
    assert not facts["services"]["image_classification"]["alike"]
    (worst,) = facts["services"]["image_classification"]["worst"]
    assert worst["id"] == "second"
    assert [row["figure"] for row in worst["beyond"]] == ["class"]
    page = assert_self_contained(report.read_text())
    assert page.tags.count("img") == 2
    again = replay(recording, "--from", one.url, "--to", two.url, "--tolerance", "class=1")
    assert again.exit_code == 0


def test_no_pictures(serve: Serve, recording: Path, tmp_path: Path) -> None:
    one, two = serve(answering()), serve(answering(**{"class": 7}))
    report = tmp_path / "report.html"
    done = replay(recording, "--from", one.url, "--to", two.url, "--out", report, "--no-pictures")
    assert done.exit_code == 1
    assert "img" not in assert_self_contained(report.read_text()).tags


def test_limit_takes_the_first(serve: Serve, recording: Path) -> None:
    one, two = serve(answering()), serve(answering())
    done = replay(recording, "--from", one.url, "--to", two.url, "--limit", 1, "--json")
    assert json.loads(done.stdout)["requests"] == 1
    assert len(one.asked) == 2  # one to warm up


@pytest.mark.parametrize("by", ["words", "environment"])
def test_tokens_are_sent_and_never_written(
    serve: Serve, recording: Path, tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = serve(echoing), serve(answering())
    report = tmp_path / "report.html"
    words: list[object] = [recording, "--from", one.url, "--to", two.url, "--out", report]
    if by == "words":
        words += ["--from-token", TOKEN, "--to-token", f"object_detection={TOKEN}2"]
    else:
        monkeypatch.setenv("MODELHUB_FROM_TOKEN", TOKEN)
        monkeypatch.setenv("MODELHUB_TO_TOKEN", f"object_detection={TOKEN}2")
    for more in ([], ["--json"]):
        done = replay(*words, *more)
        assert done.exit_code == 1
        assert TOKEN not in done.output
        assert TOKEN not in report.read_text()
    assert {asked.headers["Authorization"] for asked in one.asked} == {TOKEN}
    sent = {(asked.service, asked.headers.get("Authorization")) for asked in two.asked}
    assert sent == {("object_detection", f"{TOKEN}2"), ("image_classification", None)}


def test_an_endpoint_that_cannot_be_reached_ends_with_3(serve: Serve, recording: Path) -> None:
    with refusing() as port:
        done = replay(recording, "--from", serve(answering()).url, "--to", f"http://127.0.0.1:{port}")
    assert done.exit_code == 3
    assert str(port) in done.stderr
    closed = serve(lambda asked: Answered({"error_code": 40101, "success": False, "error_msg": TOKEN}, 401))
    done = replay(recording, "--from", closed.url, "--to", closed.url, "--from-token", TOKEN)
    assert done.exit_code == 3
    assert TOKEN not in done.output


@pytest.mark.parametrize(
    "words",
    [
        ["--to", "http://h"],
        ["--from", "h", "--to", "http://h"],
        ["--from", "http://h", "--to", "http://h", "--tolerance", "nothing=1"],
        ["--from", "http://h", "--to", "http://h", "--from-auth", "other"],
        ["--from", "http://h", "--to", "http://h", "--to-token", "a b"],
        ["--from", "http://h", "--to", "http://h", "--from-service", "a=b"],
        ["--from", "http://h/api/predict/ocr", "--to", "http://h"],
        ["--from", "http://h/api/predict/my_ocr", "--to", "http://h"],
        ["--from", "http://h", "--to", "http://h", "--out", "none/report.html"],
        ["--from", "http://h", "--to", "http://h", "--jobs", "0"],
    ],
)
def test_wrong_words_end_with_2_and_send_nothing(recording: Path, words: list[str]) -> None:
    done = replay(recording, *words)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("content", ["", "{", '{"service": "dancing", "body": {}}'])
def test_a_recording_that_is_none_ends_with_2(tmp_path: Path, content: str) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(content)
    done = replay(path, "--from", "http://h", "--to", "http://h")
    assert done.exit_code == 2
    assert done.stderr.strip()


def test_interrupted_it_ends_with_130_and_says_how_far_it_was(serve: Serve, recording: Path) -> None:
    begun = threading.Event()

    def slow(asked: Asked) -> Answered:
        if "begun" in str(asked.body):
            begun.set()
            time.sleep(0.2)
        return answering()(asked)

    row = '{"id": "x", "service": "image_classification", "body": {"image": "begun"}}\n'
    recording.write_text(recording.read_text() + "\n" + 500 * row)
    words = ["replay", str(recording), "--from", serve(slow).url, "--to", serve(answering()).url]
    command = [sys.executable, "-c", "from modelhub.command import main; main()", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "client")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        assert begun.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "interrupted after" in process.stderr.read()
        assert process.wait(20) == 130


def test_the_whole_url_of_one_deployment(serve: Serve, recording: Path, tmp_path: Path) -> None:
    rows = [row for row in recording.read_text().splitlines() if "object_detection" in row]
    path = tmp_path / "detections.jsonl"
    path.write_text("\n".join(rows).replace("object_detection", "things"))
    hosted = serve(lambda asked: answering()(Asked("/object_detection", asked.headers, asked.body)))
    ours = serve(answering())
    place = f"{hosted.url}/api/predict/things"
    done = replay(path, "--from", place, "--to", ours.url, "--from-service", "things=object_detection")
    assert done.exit_code == 0, done.output
    assert {asked.path for asked in hosted.asked} == {"/api/predict/things"}
    assert {asked.path for asked in ours.asked} == {"/api/predict/object_detection"}
