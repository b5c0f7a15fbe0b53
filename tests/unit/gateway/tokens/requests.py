"""Requests with and without what lets them in."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from gateway.errors import NotAuthorized
from gateway.tokens import Authorization, Tokens

Write = Callable[[str], Path]
"""Writes a file of tokens."""

SECRET = "a-secret-of-the-tests-0001"
OTHER = "another-secret-of-tests-02"
BODY = b'{"image": "AAAA"}'
SERVICE = "ocr"
PATH = f"/api/predict/{SERVICE}"


def http_date(when: datetime) -> str:
    return when.strftime("%a, %d %b %Y %H:%M:%S GMT")


@dataclass(frozen=True)
class Signed:
    """A request as eas-prediction 0.31 signs it."""

    secret: str = SECRET
    body: bytes = BODY
    date: str = ""
    content_type: str = "application/octet-stream"
    path: str = PATH

    def headers(self) -> dict[str, str]:
        md5 = hashlib.md5(self.body).hexdigest()
        date = self.date or http_date(datetime.now(UTC))
        message = "\n".join(("POST", md5, self.content_type, date, self.path))
        signature = hmac.new(self.secret.encode(), message.encode(), hashlib.sha1).digest()
        return {
            "Content-MD5": md5,
            "Date": date,
            "Content-Type": self.content_type,
            "Authorization": f"EAS {base64.b64encode(signature).decode()}",
        }


def plain(secret: str) -> dict[str, str]:
    return {"Authorization": secret}


def authorize(
    of: Tokens, headers: dict[str, str], *, service: str = SERVICE, method: str = "POST", path: str = PATH
) -> Authorization:
    return of.authorize(method, path, Headers(headers), service)


def is_let_in(of: Tokens, headers: dict[str, str], service: str = SERVICE) -> bool:
    try:
        authorize(of, headers, service=service)
    except NotAuthorized:
        return False
    return True


def refused(of: Tokens, headers: dict[str, str], **changed: str) -> NotAuthorized:
    with pytest.raises(NotAuthorized) as caught:
        authorize(of, headers, **changed)
    return caught.value
