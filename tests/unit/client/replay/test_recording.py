"""Requests as they were recorded: lines, HAR files, folders."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modelhub.replay.recording import Recorded, RecordingError, recorded

BODY = {"image": "AAAA"}


def lines(folder: Path, *rows: object) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def read(path: Path, **names: str) -> list[Recorded]:
    return list(recorded(path, names))


def test_lines_have_bodies_as_objects_texts_and_files(tmp_path: Path) -> None:
    (tmp_path / "bodies").mkdir()
    (tmp_path / "bodies" / "1.json").write_bytes(b'{"image" : "BB"}')
    path = lines(
        tmp_path,
        {"service": "ocr", "body": BODY, "id": "a cat"},
        "",
        {"service": "ocr", "body": "no JSON {"},
        {"service": "ocr", "body_file": "bodies/1.json", "id": 7},
    )
    assert read(path) == [
        Recorded("a cat", "ocr", b'{"image":"AAAA"}'),
        Recorded("line 3", "ocr", b"no JSON {"),
        Recorded("7", "ocr", b'{"image" : "BB"}'),
    ]


def test_names_of_deployments_are_ours_by_the_given_names(tmp_path: Path) -> None:
    path = lines(tmp_path, {"service": "my_ocr", "body": BODY})
    assert read(path, my_ocr="ocr")[0].service == "ocr"
    with pytest.raises(RecordingError, match="my_ocr"):
        read(path)


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        {},
        {"service": "ocr"},
        {"body": BODY},
        {"service": "ocr", "body": 7},
        {"service": 1, "body": "a"},
        {"service": "ocr", "body_file": "none.json"},
        {"service": "ocr", "body_file": "../outside.json"},
        {"service": "ocr", "body_file": "/etc/hostname"},
    ],
)
def test_a_line_that_is_no_request_is_named(tmp_path: Path, row: object) -> None:
    (tmp_path / "outside.json").write_text("{}")
    (tmp_path / "in").mkdir()
    with pytest.raises(RecordingError, match=r"line 1|none\.json|outside"):
        read(lines(tmp_path / "in", row))


def test_a_link_does_not_lead_out_of_a_recording(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("{}")
    (tmp_path / "in" / "body.json").symlink_to(tmp_path / "secret")
    with pytest.raises(RecordingError, match="outside"):
        read(lines(tmp_path / "in", {"service": "ocr", "body_file": "body.json"}))


def entry(url: str, method: str = "POST", **data: Any) -> dict[str, Any]:  # noqa: ANN401
    headers = [{"name": "Authorization", "value": "secret"}]
    return {"request": {"method": method, "url": url, "headers": headers, "postData": data}}


def har(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "exported.HAR"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return path


def test_of_a_har_file_the_posts_to_services_count(tmp_path: Path) -> None:
    coded = base64.b64encode(b'{"image":"CC"}').decode()
    path = har(
        tmp_path,
        entry("http://h/page", "GET"),
        entry("http://h/api/predict/ocr?x=1", text='{"image":"AA"}', mimeType="application/json"),
        entry("http://h/api/predict/ocr", "OPTIONS"),
        entry("http://h/prefix/api/predict/ocr", text=coded, encoding="base64"),
    )
    assert read(path) == [
        Recorded("entry 2", "ocr", b'{"image":"AA"}'),
        Recorded("entry 4", "ocr", b'{"image":"CC"}'),
    ]


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"log": {"entries": [{}]}}', '{"log": {"entries": 7}}']
)
def test_a_har_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "exported.har"
    path.write_text(content)
    with pytest.raises(RecordingError, match=r"exported\.har"):
        read(path)


def test_a_har_file_without_bodies_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="bodies"):
        read(har(tmp_path, entry("http://h/api/predict/ocr")))


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("http://h/api/predict/ocr", []),
        ("http://h/api/predict/ocr", {"text": 7}),
        ("http://h:port/api/predict/ocr", {"text": "{}"}),
    ],
)
def test_a_har_file_with_strange_requests_is_named(tmp_path: Path, url: str, data: object) -> None:
    request = {"method": "POST", "url": url, "postData": data}
    with pytest.raises(RecordingError, match=r"exported\.HAR"):
        read(har(tmp_path, {"request": request}))


def pictures(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2), "red").save(path, "PNG")


def test_a_folder_has_pictures_by_service(tmp_path: Path) -> None:
    pictures(
        tmp_path,
        "ocr/b.png",
        "ocr/deep/a.png",
        "my_seg/c.jpg",
        "image_similarity/2.png",
        "image_similarity/1.png",
    )
    (tmp_path / "ocr" / "notes.txt").write_text("no picture")
    found = read(tmp_path, my_seg="semantic_segmentation")
    assert [(one.identity, one.service) for one in found] == [
        ("image_similarity/1.png + image_similarity/2.png", "image_similarity"),
        ("my_seg/c.jpg", "semantic_segmentation"),
        ("ocr/b.png", "ocr"),
        ("ocr/deep/a.png", "ocr"),
    ]
    assert json.loads(found[0].body).keys() == {"imagea", "imageb"}
    assert base64.b64decode(json.loads(found[2].body)["image"]) == (tmp_path / "ocr" / "b.png").read_bytes()


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no folder"):
        read(tmp_path)
    pictures(tmp_path, "image_similarity/1.png")
    with pytest.raises(RecordingError, match="two at a time"):
        read(tmp_path)
    with pytest.raises(RecordingError, match="No such file"):
        read(tmp_path / "none.jsonl")


def test_a_long_recording_is_read_line_by_line(tmp_path: Path) -> None:
    path = lines(tmp_path, {"service": "ocr", "body": BODY}, "{")
    first = next(recorded(path, {}))
    assert first.service == "ocr"
