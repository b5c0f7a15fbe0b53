"""`modelhub predict` as people and scripts meet it, against a stand-in that answers as told."""

import asyncio
import json
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from modelhub.bulk.run import NotDone
from modelhub.command import asking, outputs
from modelhub.command.common import plain
from modelhub.command.outputs import DENSE
from modelhub.results import RESULTS
from modelhub.sources import Source
from tests.unit.client.command.conftest import (
    SERVICE,
    Command,
    Reply,
    StandIn,
    classified,
    failed,
    look,
    picture,
)
from tests.unit.client.scripted import refusing


def test_one_picture_is_one_line(command: Command) -> None:
    picture("cat.jpg")
    result = command("predict", SERVICE, "cat.jpg")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "cat.jpg: cat 0.75, dog 0.25\n", "")


def test_json_is_one_object_a_line_failures_too(command: Command, gateway: StandIn) -> None:
    bad = picture("in/bad.jpg", "black")
    picture("in/cat.jpg")
    gateway.behave = lambda file, times: failed(40004, "not an image") if file == bad else classified()
    result = command("predict", SERVICE, "in", "absent.jpg", "--json")
    assert result.exit_code == 1
    lines = {line["picture"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert lines["in/cat.jpg"]["answer"] == classified()[2]
    assert lines["in/bad.jpg"]["error"] == {"code": 40004, "kind": "40004", "message": "40004: not an image"}
    assert lines["absent.jpg"]["error"]["code"] is None
    assert "cannot be read: No such file" in lines["absent.jpg"]["error"]["message"]


def test_failures_stand_at_the_end_with_their_file_and_a_summary(command: Command, gateway: StandIn) -> None:
    bad = picture("in/bad.jpg", "black")
    for number in range(30):
        picture(f"in/{number}.png", f"#0000{number:02x}")
    gateway.behave = lambda file, times: failed(40004, "not an image") if file == bad else classified()
    result = command("predict", SERVICE, "in")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 30
    summary, *failures = result.stderr.splitlines()
    assert summary.startswith("30 answered in ")
    assert "1 failed (1 x 40004)" in summary
    assert failures == ["  in/bad.jpg: 40004: not an image"]


def test_a_busy_server_gets_every_picture_answered_in_the_end(command: Command, gateway: StandIn) -> None:
    for number in range(60):
        picture(f"in/{number}.png", f"#0000{number:02x}")
    working, lock, refused = Counter[str](), threading.Lock(), threading.Event()

    def behave(file: bytes, times: int) -> Reply:
        with lock:
            if working["now"] >= 3:
                refused.set()
                return failed(42901, "too many", Retry_After="0")
            working["now"] += 1
        # However quick the machine, the first three stay until a fourth was refused beside them.
        refused.wait(30)
        with lock:
            working["now"] -= 1
        return classified()

    gateway.behave = behave
    result = command("predict", SERVICE, "in")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 60)
    assert refused.is_set()


def test_a_fault_that_passes_is_not_told(command: Command, gateway: StandIn) -> None:
    picture("cat.jpg")
    gateway.behave = lambda file, times: failed(50301, "healing") if times < 3 else classified()
    result = command("predict", SERVICE, "cat.jpg")
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(gateway.asked) == 3


def test_the_standard_input_is_a_picture_or_a_list(command: Command, gateway: StandIn) -> None:
    cat = picture("in/a cat.png")
    assert command("predict", SERVICE, "-", stdin=cat).stdout.startswith("stdin: cat")
    result = command("predict", SERVICE, "--from-list", "-", stdin=b"in/a cat.png\n\nabsent.png\n")
    assert result.exit_code == 1
    assert result.stdout.startswith("in/a cat.png: cat")
    assert gateway.asked == [cat, cat]


def test_names_in_a_list_are_any_bytes(command: Command) -> None:
    picture("in/a cat.png")
    listed = b"in/a cat.png\nin\xff.png\nhttp://127.0.0.1:1/\xff.png\n"
    Path("list.txt").write_bytes(listed)
    for name in ("list.txt", "-"):
        result = command("predict", SERVICE, "--from-list", name, "--json", stdin=listed)
        told = {json.loads(line)["picture"] for line in result.stdout.splitlines()}
        assert told == {"in/a cat.png", "in?.png", "http://127.0.0.1:1/?.png"}
        assert "2 failed" in result.stderr


def test_a_failure_to_save_is_told_whatever_the_bytes_of_the_name(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwritable(path: Path, content: bytes) -> None:
        raise OSError(36, "File name too long")

    picture("in/a\udcff.png")
    monkeypatch.setattr(outputs, "write_whole", unwritable)
    result = command("predict", SERVICE, "in", "--out", "out", "--json")
    assert json.loads(result.stdout)["error"]["message"].startswith("cannot write out/a?.")


def test_two_pictures_go_into_one_request(command: Command, gateway: StandIn) -> None:
    first, second = picture("a.png"), picture("b.png", "blue")
    answer = {"success": True, "request_id": "1", "similarity": 51.0, "l2_distance": 0.5}
    gateway.behave = lambda file, times: (200, {}, answer)
    result = command("predict", "image_similarity", "a.png", "b.png", "--json", "--out", "out")
    assert json.loads(result.stdout) == {"picture": "a.png", "compared_with": "b.png", "answer": answer}
    assert gateway.asked == [first + b"+" + second]
    assert look("out/a-b.image_similarity.png") == ("PNG", (80, 30))


def test_a_url_is_fetched_from_here(command: Command, gateway: StandIn) -> None:
    result = command("predict", SERVICE, f"{gateway.url}/openapi.json", f"{gateway.url}/absent.jpg")
    assert result.exit_code == 1
    assert json.loads(gateway.asked[0]) == gateway.described()
    assert "404" in result.stderr


async def test_a_url_that_takes_too_long_is_given_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(asking, "FETCH_TIMEOUT_S", 0.01)
    url = "http://images.example/cat.jpg"
    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as web:
        with pytest.raises(NotDone, match="it took too long"):
            await asking._content(Source(url, url, ("cat.jpg",)), web)


def test_the_token_is_sent_and_told_to_nobody(command: Command, gateway: StandIn) -> None:
    picture("cat.jpg")
    gateway.behave = lambda file, times: failed(40101, "token")
    result = command("predict", SERVICE, "cat.jpg", "--token", "s3cret")
    assert gateway.tokens == {"Bearer s3cret"}
    assert result.exit_code == 1
    assert "s3cret" not in result.output
    assert "given up: 40101" in result.stderr


# Masks


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ((), "?mask_format=png"),
        (("--json",), ""),
        (("--mask-format", "rle"), "?mask_format=rle"),
        (("--out", "out"), "?mask_format=png"),
        (("--out", "out", "--save", "json"), ""),
    ],
)
def test_masks_are_asked_in_the_smallest_form_where_nobody_sees_it(
    command: Command, gateway: StandIn, words: tuple[str, ...], query: str
) -> None:
    picture("cat.png")
    gateway.behave = lambda file, times: failed(40004)
    command("predict", "semantic_segmentation", "cat.png", *words)
    assert gateway.paths == [f"/api/predict/semantic_segmentation{query}"]


def test_the_services_with_masks_are_services() -> None:
    assert set(RESULTS) > DENSE


# Wrong words


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nothing", "cat.jpg"), "no service nothing; there are image_classification"),
        ((SERVICE,), "no pictures"),
        ((SERVICE, "cat.jpg", "--resume"), "--resume needs --out"),
        ((SERVICE, "cat.jpg", "--out", "cat.jpg"), "cannot make cat.jpg"),
        ((SERVICE, "-", "--from-list", "-"), "a picture or the list, not both"),
        ((SERVICE, "--from-list", "absent"), "cannot read the list absent: No such file"),
        ((SERVICE, "cat.jpg", "--url", "127.0.0.1:8080"), "neither http"),
        (
            (SERVICE, "cat.jpg", "--url", "grpc://a:1", "--mask-format", "png"),
            "--mask-format is the gateway's",
        ),
        ((SERVICE, "cat.jpg", "--jobs", "0"), "Usage"),
        (("image_similarity", "cat.jpg"), "compares two"),
    ],
)
def test_wrong_words_are_told_in_a_line_and_ask_nothing(
    command: Command, gateway: StandIn, words: tuple[str, ...], why: str
) -> None:
    picture("cat.jpg")
    result = command("predict", *words)
    assert result.exit_code == 2
    assert why in result.stderr
    assert not gateway.asked


def test_where_nobody_answers_the_status_says_so(command: Command) -> None:
    picture("cat.jpg")
    with refusing() as port:
        result = command("predict", SERVICE, "cat.jpg", "--url", f"http://127.0.0.1:{port}")
    assert result.exit_code == 3
    assert f"nothing answers at http://127.0.0.1:{port}" in result.stderr


def test_names_of_files_cannot_move_the_cursor(command: Command) -> None:
    name = "a\x1b[2J\nb\u202e.png"
    picture(name)
    result = command("predict", SERVICE, name)
    assert result.stdout == "a\ufffd[2J\ufffdb\ufffd.png: cat 0.75, dog 0.25\n"
    assert plain("\udcff") == "?"
    assert plain("货架 é") == "货架 é"
