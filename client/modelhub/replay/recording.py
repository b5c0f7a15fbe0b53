"""Recorded requests: JSON lines, a HAR file of a browser or proxy, or a folder of pictures by service.

JSON lines have `service` (or the name of a deployment), `body` (an object, or the text of any body) or
`body_file` (beside the lines or below), and may have `id`:

    {"id": "cat", "service": "ocr", "body": {"image": "..."}}
    {"service": "image_classification", "body_file": "bodies/0001.json"}

Of a HAR file the POSTs to `/api/predict/NAME` count. In a folder, each folder by the name of a service holds
pictures; where a service compares two, the files in the order of their names are taken two at a time.
Headers are never read: a recording's tokens stay in it.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from modelhub.http import PREFIX, documented_body
from modelhub.results import RESULTS
from modelhub.sources import is_picture, takes_two


class RecordingError(ValueError):
    """A recording cannot be read; the message is a line for people and says where."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request: `service` is our name of it, `body` what was sent, byte by byte or as equal JSON."""

    identity: str
    service: str
    body: bytes


def recorded(path: Path, names: Mapping[str, str]) -> Iterator[Recorded]:
    """Yield the requests recorded at `path`, in order, without holding more than it must.

    `names` has our names of services by those of deployments. Raises RecordingError.
    """
    try:
        for identity, name, body in _entries(path, names):
            service = names.get(name, name)
            if service not in RESULTS:
                raise RecordingError(f"{identity}: no service is called {name!r}; give NAME=SERVICE for it")
            yield Recorded(identity, service, body)
    except OSError as error:
        raise RecordingError(f"{error.filename or path}: {error.strerror or error}") from None


Entry = tuple[str, str, bytes]
"""An id, the name of a service or deployment, the body."""


def _entries(path: Path, names: Mapping[str, str]) -> Iterator[Entry]:
    if path.is_dir():
        return _of_folder(path, names)
    if path.suffix.lower() == ".har":
        return _of_har(path)
    return _of_lines(path)


def _of_lines(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _of_line(path, number, _parsed(line, f"{path.name}, line {number}"))


def _of_line(path: Path, number: int, fields: object) -> Entry:
    match fields:
        case {"service": str(name), "body": dict(body)}:
            content = orjson.dumps(body)
        case {"service": str(name), "body": str(text)}:
            content = text.encode("utf-8", "surrogatepass")
        case {"service": str(name), "body_file": str(file)}:
            content = _within(path.parent, file).read_bytes()
        case _:
            raise RecordingError(f"{path.name}, line {number}: no `service` with `body` or `body_file`")
    identity = fields.get("id") if isinstance(fields, dict) else None
    return str(identity) if identity is not None else f"line {number}", name, content


def _within(folder: Path, name: str) -> Path:
    """Return a file of the recording: one that came from elsewhere is not to send files of this machine."""
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise RecordingError(f"{name!r} is outside the recording's folder")
    return file


def _of_har(path: Path) -> Iterator[Entry]:
    har = _parsed(path.read_bytes(), path.name)
    try:
        entries = [entry["request"] for entry in har["log"]["entries"]]
        posts = [(number, one) for number, one in enumerate(entries, start=1) if _is_asked(one)]
        for number, request in posts:
            name = httpx.URL(request["url"]).path.partition(PREFIX)[2]
            yield f"entry {number}", name, _posted(request["postData"])
    except (KeyError, TypeError, AttributeError, binascii.Error, httpx.InvalidURL):
        raise RecordingError(f"{path.name}: not a HAR file with the requests' bodies in it") from None


def _is_asked(request: Mapping[str, Any]) -> bool:
    return bool(request["method"] == "POST" and PREFIX in request["url"])


def _posted(data: Mapping[str, str]) -> bytes:
    """Return a body; some write those that are no text in Base64 and say so."""
    if data.get("encoding") == "base64":
        return base64.b64decode(data["text"])
    return data["text"].encode()


def _of_folder(path: Path, names: Mapping[str, str]) -> Iterator[Entry]:
    folders = sorted(one for one in path.iterdir() if one.is_dir())
    if not folders:
        raise RecordingError(f"{path}: no folder by the name of a service in it")
    for folder in folders:
        files = _pictures(folder)
        size = 2 if takes_two(names.get(folder.name, folder.name)) else 1
        if len(files) % size:
            raise RecordingError(f"{folder}: pictures are taken two at a time, and there are {len(files)}")
        for start in range(0, len(files), size):
            group = files[start : start + size]
            identity = " + ".join(str(file.relative_to(path)) for file in group)
            yield identity, folder.name, documented_body([file.read_bytes() for file in group])


def _pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if is_picture(file) and file.is_file())


def _parsed(content: bytes, place: str) -> Any:  # noqa: ANN401 - JSON of whatever form
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise RecordingError(f"{place}: not JSON") from None
