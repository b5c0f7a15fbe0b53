"""The JSON API: what is sent, how what comes back is read, and connections that block."""

import base64
import functools
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from modelhub.errors import ServiceError
from modelhub.pictures import Picture, sendable
from modelhub.retries import retry_after_s

Answer = dict[str, Any]
"""A documented answer, as parsed from JSON."""

PREFIX = "/api/predict/"
LISTING = "/openapi.json"
"""Describes the services that there are."""
TIMEOUT_HEADER = "X-ModelHub-Timeout-Ms"
"""Tells the gateway how long the caller waits."""
LONGEST_TIMEOUT_MS = 999_999_999
"""The most that the gateway takes there."""
GRACE_S = 1.0
"""How much longer than it was given the gateway is waited for: time for it to say that the time is over."""

FIELDS: Mapping[int, tuple[tuple[str, str], ...]] = {
    1: (("image", "input"),),
    2: (("imagea", "inputa"), ("imageb", "inputb")),
}
"""By the number of pictures: the request's field for each as a file, and as a URL."""

JSON_TYPE, PICTURE_TYPE = "application/json", "image/x-picture"
"""Of bodies; which kind of picture it is, its own first bytes say."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as often as it is sent."""

    path: str
    query: Mapping[str, str] | None
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whoever carried it."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    content: bytes
    """Decompressed."""


def fields(pictures: Sequence[object]) -> tuple[tuple[str, str], ...]:
    """Return a row of FIELDS; raises ValueError where no service takes as many pictures."""
    try:
        return FIELDS[len(pictures)]
    except KeyError:
        raise ValueError(f"a request has one picture or two, not {len(pictures)}") from None


def question(service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
    """Return what asks `service` about `pictures`. Raises ValueError and OSError, as `sendable`."""
    contents = [sendable(picture) for picture in pictures]
    path = PREFIX + quote(service, safe="")
    query = None if mask_format is None else {"mask_format": mask_format}
    only = contents[0] if len(contents) == 1 else None
    if isinstance(only, bytes) and not only.lstrip().startswith(b"{"):  # which would be taken for JSON
        return Question(path, query, only, PICTURE_TYPE)
    return Question(path, query, documented_body(contents), JSON_TYPE)


def documented_body(contents: Sequence[bytes | str]) -> bytes:
    """Return the JSON that the contract documents for files or URLs; raises ValueError, as `fields`."""
    return orjson.dumps(dict(_field(*one) for one in zip(fields(contents), contents, strict=True)))


def _field(names: tuple[str, str], content: bytes | str) -> tuple[str, Any]:
    file_field, url_field = names
    if isinstance(content, bytes):
        return file_field, base64.b64encode(content).decode("ascii")
    return url_field, {"url": content}


def reply_of(response: httpx.Response) -> Reply:
    """Return what httpx received."""
    return Reply(response.status_code, response.headers, response.content)


def answer_of(reply: Reply) -> Answer:
    """Return the answer in `reply`; raises ServiceError where it is a failure or nothing documented."""
    try:
        answer = orjson.loads(reply.content)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and answer.get("success") is True:
        return answer
    raise failure_of(reply, answer)


def failure_of(reply: Reply, content: object) -> ServiceError:
    """Return the failure that `reply`, parsed as `content`, tells of."""
    status, after_s = reply.status, retry_after_s(reply.headers)
    if isinstance(content, dict) and isinstance(content.get("error_code"), int):
        return ServiceError(status, content["error_code"], str(content.get("error_msg", "")), after_s)
    said = reply.content[:200].decode("utf-8", "replace")
    return ServiceError(status, status * 100, f"not an answer of ModelHub: {said!r}", after_s)


def services_of(reply: Reply) -> list[str]:
    """Return the names of the services that an OpenAPI document describes, in its order."""
    try:
        paths = orjson.loads(reply.content)["paths"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise failure_of(reply, None) from None
    return [path.removeprefix(PREFIX) for path in paths if path.startswith(PREFIX)]


def authorization(token: str | None) -> dict[str, str]:
    """Return the header that shows `token`, if there is one."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def patience(timeout_s: float) -> dict[str, str]:
    """Return the header that tells the gateway how long an attempt may take."""
    milliseconds = min(LONGEST_TIMEOUT_MS, max(1, int(timeout_s * 1e3)))
    return {TIMEOUT_HEADER: str(milliseconds)}


def _waits(timeout_s: float) -> httpx.Timeout:
    return httpx.Timeout(timeout_s, read=timeout_s + GRACE_S)


@functools.cache
def certificates() -> ssl.SSLContext:
    """Return whom every connection trusts, read once: it takes longer than most answers."""
    return httpx.create_ssl_context(trust_env=False)


class HttpConnection:
    """The way to one gateway."""

    has_forms = True

    def __init__(self, url: str, token: str | None) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers=authorization(token),
            trust_env=False,  # whatever proxies the environment names; a service is reached as its URL says
            verify=certificates(),
            # Callers decide how much they ask at once; nobody waits for a place here.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )

    def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
        """Return what `ask` takes, as `question`."""
        return question(service, pictures, mask_format)

    def ask(self, one: Question, timeout_s: float) -> Answer:
        """Return the answer; raises ServiceError and httpx.TransportError."""
        response = self._http.post(
            one.path,
            params=one.query,
            content=one.body,
            headers={**patience(timeout_s), "Content-Type": one.content_type},
            timeout=_waits(timeout_s),
        )
        return answer_of(reply_of(response))

    def plain(self, answer: Answer) -> Answer:
        """Return the answer as parsed from JSON, which it is."""
        return answer

    def services(self, timeout_s: float) -> list[str]:
        """Return the names of the services that the gateway documents; raises as `ask`."""
        response = self._http.get(LISTING, headers=patience(timeout_s), timeout=_waits(timeout_s))
        return services_of(reply_of(response))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()
