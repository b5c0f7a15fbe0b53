"""What is made of an answer: a line on stdout, an annotated picture, a JSON file."""

import errno
import io
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import orjson
from PIL import Image

from modelhub.bulk.run import NotDone, OutOfRoom, Reason
from modelhub.bulk.tally import code_of, explanation
from modelhub.command.common import plain, readable
from modelhub.errors import ServiceError
from modelhub.http import Answer
from modelhub.present import annotate, summarise
from modelhub.results import RESULTS
from modelhub.sources import Request
from modelhub_pictures.decoding import open_picture

DENSE = frozenset(name for name, result in RESULTS.items() if result.tables())
"""Services that answer a number for every pixel, which as PNG is a hundredth of the bytes."""
JSON_SUFFIX = ".json"
"""Added to the whole name of the annotated picture."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""Of what keeps a file from being written, that which keeps every other from it."""
_QUALITY = {"JPEG": {"quality": 92}, "WEBP": {"quality": 92}, "PNG": {"compress_level": 1}}
"""Files a little larger than need be, made several times as fast."""


class Save(StrEnum):
    """What `--out` saves of each answer."""

    PICTURE = "picture"
    JSON = "json"
    BOTH = "both"

    @property
    def picture(self) -> bool:
        """Whether the annotated picture is."""
        return self is not Save.JSON

    @property
    def json(self) -> bool:
        """Whether the answer is."""
        return self is not Save.PICTURE


@dataclass(frozen=True)
class Outputs:
    """What is made of the answers of one service."""

    service: str
    out: Path | None
    """The folder that files are saved in, if any are."""
    save: Save
    as_json: bool
    """Whether the line is JSON."""

    @property
    def quick(self) -> bool:
        """Whether `make` takes less time than it takes to hand it to a thread."""
        return self.out is None and self.service not in DENSE

    def saved(self, request: Request) -> bool:
        """Return whether an earlier run has saved all of this request, after its pictures last changed."""
        try:
            oldest = min(path.stat().st_mtime_ns for path in self._files(request))
            return all(
                source.place.stat().st_mtime_ns <= oldest
                for source in request.sources
                if isinstance(source.place, Path)
            )
        except OSError:
            return False

    def make(self, request: Request, files: Sequence[bytes], answer: Answer) -> str:
        """Save what is to be saved, and return the line; raises NotDone and OutOfRoom."""
        if self.out is not None:
            if self.save.picture:
                self._write(self._picture_file(request), self._drawn(request, files, answer))
            if self.save.json:
                self._write(self._json_file(request), orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
        if self.as_json:
            return _json_line(request, answer=answer)
        saved = "".join(f" -> {plain(str(path))}" for path in self._files(request))
        return f"{plain(request.name)}: {plain(summarise(self.service, answer))}{saved}"

    def failed(self, request: Request, reason: Reason) -> str:
        """Return the line of a request that failed; empty for people, who are told at the end."""
        if not self.as_json:
            return ""
        code = reason.code if isinstance(reason, ServiceError) else None
        error = {"code": code, "kind": code_of(reason), "message": readable(explanation(reason))}
        return _json_line(request, error=error)

    def _files(self, request: Request) -> Iterator[Path]:
        if self.out is None:
            return
        if self.save.picture:
            yield self._picture_file(request)
        if self.save.json:
            yield self._json_file(request)

    def _picture_file(self, request: Request) -> Path:
        assert self.out is not None
        return self.out / request.output

    def _json_file(self, request: Request) -> Path:
        picture = self._picture_file(request)
        return picture.with_name(picture.name + JSON_SUFFIX)

    def _drawn(self, request: Request, files: Sequence[bytes], answer: Answer) -> bytes:
        """Return the annotated picture as a file of the format that its name says."""
        buffer = io.BytesIO()
        kind = Image.registered_extensions()[request.output.suffix.lower()]
        try:
            annotate(self.service, answer, *map(open_picture, files)).save(buffer, kind, **_QUALITY[kind])
        except Exception as error:  # a service with other limits has read it, or the format cannot take it
            raise NotDone(f"answered, but cannot be drawn: {error}") from error
        return buffer.getvalue()

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_whole(path, content)
        except OSError as error:
            message = f"cannot write {path}: {error.strerror or error}"
            raise (OutOfRoom if error.errno in _FULL else NotDone)(message) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks finds all of it or, until then, what was there; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}-{threading.get_ident()}.part")  # a thread writes one at a time
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _json_line(request: Request, **result: object) -> str:
    names = [readable(source.name) for source in request.sources]
    told_names: dict[str, object] = {"picture": names[0]}
    if len(names) > 1:
        told_names["compared_with"] = names[1]
    return orjson.dumps(told_names | result).decode()
