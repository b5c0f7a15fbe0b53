"""Authorization: which token opens which service, from a file that is read again when it changes.

A file of tokens, as an operator writes it:

    # Everything after a '#' at the beginning of a line is a comment.
    3f1c0e5ab77e4c5f9f0d6f2c8a9be001
    ocr,image_similarity 77aa0c0c5b1e4f6f8f5ad5b8d4d3c2b1

A line is a token, which opens every service, or names of services joined by commas, a blank, and a token
that opens these alone. A token is 16 to 512 visible ASCII characters; what stands twice opens what either
line does.

Three forms of the header `Authorization` are accepted: `<token>`, `Bearer <token>`, and that of the hosted
service's own client, `EAS <signature>`: Base64 of HMAC-SHA1 under the token of method, Content-MD5,
Content-Type, Date and path, joined by newlines. The body then has to have that MD5, in hexadecimal (as that
client writes it) or in Base64 (as RFC 1864 does).
"""

import base64
import hashlib
import hmac
import logging
import os
import re
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from gateway.errors import BodyNotAsSigned, NotAuthorized
from gateway.services import SERVICES

log = logging.getLogger(__name__)

MAX_TOKENS = 1000
"""Lines with a token in a file: every request is compared with each of them."""

MAX_FILE_BYTES = 1024 * 1024
"""Largest file of tokens."""

CHECK_EVERY_S = 1.0
"""Seconds for which the file is not looked at again."""

CLOCK_TOLERANCE = timedelta(minutes=15)
"""How wrong a signer's clock may be."""

WESTERNMOST, EASTERNMOST = timedelta(hours=-12), timedelta(hours=14)
"""The hosted service's client writes its local time and calls it GMT: any time zone's time is a right one."""

_TOKEN = re.compile(r"[\x21-\x7e]{16,512}", re.ASCII)
_MD5 = re.compile(r"[0-9a-fA-F]{32}|[A-Za-z0-9+/]{22}==", re.ASCII)
_EVERY_SERVICE = frozenset(SERVICES)
_SETTLED_NS = 2_000_000_000
"""A file written less long ago is read once more: its clock's ticks may hide a second change."""


class TokenFileError(ValueError):
    """The file of tokens cannot be used; the message is one line and has no token in it."""


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A secret and what it opens; its repr shows neither."""

    secret: bytes
    digest: bytes
    """SHA-256 of the secret: of one length whatever the secret's, so comparing tells nothing of it."""
    services: frozenset[str]


@dataclass(frozen=True, slots=True)
class Authorization:
    """Headers that were accepted; the body is still to be compared with what was signed."""

    signed_md5: bytes | None = None
    """MD5 that the body has to have, 16 bytes; None where nothing was said of it."""

    def check_body(self, body: bytes) -> None:
        """Raise BodyNotAsSigned if `body` is another than was signed; of a large body this takes a while."""
        if self.signed_md5 is None:
            return
        actual = hashlib.md5(body, usedforsecurity=False).digest()
        if not hmac.compare_digest(actual, self.signed_md5):
            raise BodyNotAsSigned


BODY_UNSIGNED = Authorization()


class Tokens:
    """The tokens of the file at `path`; with an empty path everybody may ask for everything.

    Raises TokenFileError. Later the file may be replaced or rewritten at any time: what it says holds within
    a second, and as long as it cannot be used, what it said last. Every token is compared, whichever fits.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._tokens: tuple[Token, ...] = ()
        self._version: object = None
        self._complaint: str | None = None
        self._looked_at = time.monotonic()
        if self._path is not None:
            self._tokens, self._version = _load(self._path)

    def authorize(self, method: str, path: str, headers: Mapping[str, str], service: str) -> Authorization:
        """Return what is left to check of a request for `service`. Raises NotAuthorized.

        `path` is the decoded path of the URL; names of `headers` are looked up in lower case.
        """
        if self._path is None:
            return BODY_UNSIGNED
        self._look_again(self._path)
        header = headers.get("authorization", "")
        if not header:
            raise NotAuthorized("a token is needed in the header Authorization")
        scheme, blank, credentials = header.partition(" ")
        if not blank:
            scheme, credentials = "bearer", header
        match scheme.lower():
            case "bearer":
                self._check_plain(credentials.encode("latin-1", "replace"), service)
                return BODY_UNSIGNED
            case "eas":
                return self._signed(credentials, (method, path), headers, service)
        raise NotAuthorized

    def _check_plain(self, secret: bytes, service: str) -> None:
        digest = hashlib.sha256(secret).digest()
        opened = False
        for token in self._tokens:
            opened |= hmac.compare_digest(digest, token.digest) & (service in token.services)
        if not opened:
            raise NotAuthorized

    def _signed(
        self, signature: str, target: tuple[str, str], headers: Mapping[str, str], service: str
    ) -> Authorization:
        method, path = target
        # Nothing signed for one service opens another, whatever path the header Host makes of it.
        if path.rpartition("/")[2] != service:
            raise NotAuthorized
        md5, date = headers.get("content-md5", ""), headers.get("date", "")
        if not _MD5.fullmatch(md5) or not date:
            raise NotAuthorized("a signed request has the headers Content-MD5 and Date")
        message = "\n".join((method, md5, headers.get("content-type", ""), date, path)).encode("utf-8")
        received = signature.encode("utf-8", "replace")
        opened = False
        for token in self._tokens:
            right = base64.b64encode(hmac.digest(token.secret, message, "sha1"))
            opened |= hmac.compare_digest(received, right) & (service in token.services)
        if not opened:
            raise NotAuthorized
        _check_date(date)  # last, so that only who signed well hears of our clock
        return Authorization(bytes.fromhex(md5) if len(md5) == 32 else base64.b64decode(md5))

    def _look_again(self, path: Path) -> None:
        now = time.monotonic()
        if now - self._looked_at < CHECK_EVERY_S:
            return
        self._looked_at = now
        try:
            if _version(path.stat()) != self._version:
                self._tokens, self._version = _load(path)
                self._complaint = None
                log.info("tokens read again", extra={"fields": {"tokens": len(self._tokens)}})
        except (OSError, TokenFileError) as error:
            self._complain(error)

    def _complain(self, error: OSError | TokenFileError) -> None:
        """Say that the file cannot be used, once as long as the reason is the same."""
        complaint = error.strerror if isinstance(error, OSError) else str(error)
        if complaint != self._complaint:
            self._complaint = complaint
            fields = {"detail": complaint}
            log.error("the tokens are not read again; those read last hold", extra={"fields": fields})


def _version(status: os.stat_result) -> object:
    """Return what differs when a file was written or replaced."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _load(path: Path) -> tuple[tuple[Token, ...], object]:
    """Return the tokens in the file and its version, which is None where it may change within a tick."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())  # before it is read, so that a change meanwhile is noticed
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise TokenFileError(f"the file of tokens cannot be read: {error.strerror}") from None
    tokens = parse(content)
    _warn_of_readers(status)
    age = time.time_ns() - status.st_mtime_ns
    return tokens, None if 0 <= age < _SETTLED_NS else _version(status)


def _warn_of_readers(status: os.stat_result) -> None:
    """Warn where others may read the file; its group may where it is not ours, as in Kubernetes."""
    group = status.st_mode & stat.S_IRGRP and status.st_uid == os.geteuid()
    if status.st_mode & stat.S_IROTH or group:
        log.warning("the file of tokens is readable by others than its owner")


def parse(content: bytes) -> tuple[Token, ...]:
    """Return the tokens in the text of a file. Raises TokenFileError, which names the line at most."""
    if len(content) > MAX_FILE_BYTES:
        raise TokenFileError(f"the file of tokens has more than {MAX_FILE_BYTES} bytes")
    lines = enumerate(content.decode("latin-1").split("\n"), start=1)
    tokens = tuple(
        _token(number, line.split())
        for number, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    )
    if not tokens:
        raise TokenFileError("the file of tokens has no token in it")
    if len(tokens) > MAX_TOKENS:
        raise TokenFileError(f"the file of tokens has more than {MAX_TOKENS} tokens")
    return tokens


def _token(number: int, words: list[str]) -> Token:
    *names, secret = words
    if len(names) > 1 or not _TOKEN.fullmatch(secret):
        raise TokenFileError(
            f"line {number} of the file of tokens is not `TOKEN` or `SERVICE[,SERVICE] TOKEN`, "
            "with 16 to 512 visible ASCII characters as a token"
        )
    services = frozenset(names[0].split(",")) if names else _EVERY_SERVICE
    if not services <= _EVERY_SERVICE:
        raise TokenFileError(f"line {number} of the file of tokens names a service that there is not")
    encoded = secret.encode("ascii")
    return Token(encoded, hashlib.sha256(encoded).digest(), services)


def _check_date(text: str) -> None:
    """Raise NotAuthorized unless `text` is the time now, somewhere on Earth."""
    try:
        date = parsedate_to_datetime(text)
        ahead = (date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)
    except (ValueError, OverflowError):
        raise NotAuthorized("the header Date is not a date") from None
    if not WESTERNMOST - CLOCK_TOLERANCE <= ahead <= EASTERNMOST + CLOCK_TOLERANCE:
        raise NotAuthorized("the header Date is too far from the time now")
