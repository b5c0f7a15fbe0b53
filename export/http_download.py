"""One file over HTTP by httpx, which knows the environment's proxies: resumed where it broke off.

What has come lies in a draft beside the target, with what the server said that it is a part of. A draft is
continued only if the server vouches (RFC 9110, If-Range) that the file is still the same.
"""

import re
import time
from pathlib import Path

import httpx
import msgspec

from export.errors import CutDownload, FetchError, NoNetwork, NotPublished
from export.progress import Update

ATTEMPTS = 5
"""Failures in a row after which it is given up; an attempt that brought `_PROGRESS` begins the count anew."""
_PROGRESS = 1 << 20
_TIMEOUT = httpx.Timeout(30, connect=15)
PAUSE_S = 0.5
"""Before the second attempt; twice as long before each further one."""
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_FORBIDDEN = {401, 403, 407}
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)$")


class _Part(msgspec.Struct, frozen=True):
    """What a draft is a part of: its address, and the server's word for this version of it."""

    url: str
    validator: str


class _Broken(Exception):  # noqa: N818 - never leaves this module
    """An attempt that failed and may do better; `error` is what it means if none does."""

    def __init__(self, error: FetchError) -> None:
        super().__init__(str(error))
        self.error = error


class Download:
    """The download of `url` to `target`, whose draft outlives a failure; `name` is how people are told."""

    def __init__(self, url: str, target: Path, name: str) -> None:
        self._url, self._target, self._name = url, target, name
        self._draft = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self.resumed = False
        """Whether any of the bytes came from an earlier attempt."""
        self.bounded = True
        """Whether the server told where the file ends: one that did not may have broken off there."""

    def run(self, update: Update) -> Path:
        """Return the whole draft, which the caller checks and moves; raises FetchError."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        failures = 0
        with httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
            while True:
                before = self._size()
                try:
                    self._attempt(client, update)
                except _Broken as broken:
                    failures = 1 if self._size() - before >= _PROGRESS else failures + 1
                    if failures == ATTEMPTS:
                        raise broken.error from None
                    time.sleep(PAUSE_S * 2 ** (failures - 1))
                else:
                    return self._draft

    def discard(self) -> None:
        """Forget what has come."""
        self._draft.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def place(self) -> None:
        """Move the draft to the target."""
        self._draft.replace(self._target)
        self.discard()

    def _attempt(self, client: httpx.Client, update: Update) -> None:
        validator = self._known_validator()
        headers = {"Accept-Encoding": "identity"}
        if validator:
            headers |= {"Range": f"bytes={self._size()}-", "If-Range": validator}
        try:
            with client.stream("GET", self._url, headers=headers) as response:
                self._check(response)
                self._receive(response, self._continues(response, validator), update)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise _Broken(
                NoNetwork(self._told(f"no answer ({error})", "check the network or proxy"))
            ) from None
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise _Broken(CutDownload(self._told(f"cut off ({reason})", "run the export again"))) from None
        except httpx.HTTPError as error:  # too many redirects, an undecodable body
            raise FetchError(self._told(str(error), "check the proxy")) from None

    def _check(self, response: httpx.Response) -> None:
        """Raise unless the answer is the file or a part of it."""
        status = response.status_code
        if status in {200, 206}:
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise FetchError(self._told("a web page came and no checkpoint", "check the proxy"))
            return
        if status == 416:  # the draft is no part of what is there now
            self.discard()
            raise _Broken(CutDownload(self._told("its size changed", "run the export again")))
        if status in _PASSING:
            raise _Broken(NoNetwork(self._told(f"HTTP status {status}", "try again later")))
        if status in _FORBIDDEN:
            raise FetchError(self._told(f"HTTP status {status}", "check the proxy"))
        raise NotPublished(self._told(f"HTTP status {status}", "it may have moved"))

    def _continues(self, response: httpx.Response, validator: str) -> bool:
        """Tell whether the answer is the rest of the draft; raises where it is another part of the file."""
        if response.status_code != 206:
            return False
        found = _RANGE.match(response.headers.get("Content-Range", ""))
        same = _validator(response) in {validator, ""}
        if found and int(found[1]) == self._size() and same and validator:
            return True
        self.discard()
        raise _Broken(CutDownload(self._told("another part came than was asked for", "run the export again")))

    def _receive(self, response: httpx.Response, continues: bool, update: Update) -> None:
        if continues:
            self.resumed = self.resumed or self._size() > 0
        else:
            self.discard()
            self.resumed = False
            self._note.write_bytes(msgspec.json.encode(_Part(self._url, _validator(response))))
        done = self._size()
        whole = _whole(response, done)
        self.bounded = whole > 0 or "chunked" in response.headers.get("Transfer-Encoding", "")
        with self._draft.open("ab") as draft:
            # As on the wire, since nothing compressed was asked for, and as it comes, with nothing held back.
            for piece in response.iter_raw():
                draft.write(piece)
                done += len(piece)
                update(done, max(whole, done))
        if done < whole:  # a server may send less of a part than was asked for
            raise _Broken(CutDownload(self._told(f"{done} of {whole} bytes came", "run the export again")))

    def _known_validator(self) -> str:
        """Return the server's word for the draft; empty where there is none, and nothing to continue."""
        try:
            part = msgspec.json.decode(self._note.read_bytes(), type=_Part)
        except (FileNotFoundError, msgspec.DecodeError):
            return ""
        return part.validator if part.url == self._url and self._size() else ""

    def _size(self) -> int:
        return self._draft.stat().st_size if self._draft.exists() else 0

    def _told(self, what: str, advice: str) -> str:
        what = " ".join(what.split())
        return (
            f"{self._name}: {what} from {self._url}; {advice}, or carry the file in by hand (--weights-dir)"
        )


def _validator(response: httpx.Response) -> str:
    """Return what If-Range may name: a strong entity tag, or else the time of the last change."""
    tag: str = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return str(response.headers.get("Last-Modified", ""))


def _whole(response: httpx.Response, done: int) -> int:
    """Return the file's size in bytes, of which `done` are here already; 0 where the server does not tell."""
    part = _RANGE.match(response.headers.get("Content-Range", ""))
    if part and part[2].isdigit():
        return int(part[2])
    length = response.headers.get("Content-Length", "")
    return done + int(length) if length.isdigit() else 0
