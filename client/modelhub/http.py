"""The JSON API: what is sent, how what comes back is read, and the connections that carry it."""

import asyncio
import base64
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

QUICK_FORMS: Mapping[str, str] = {"foreground_segmentation": "rle"}
"""By service, the `mask_format` that says exactly what the default says, in much less."""

INLINE_BYTES = 64 * 1024
"""An answer that is no larger is parsed where it is; a thread would cost more than it frees."""

_OPTIONS = {
    "trust_env": False,  # whatever proxies the environment names; a service is reached as its URL says
    # Callers decide how much they ask at once; nobody waits for a place here.
    "limits": httpx.Limits(max_connections=None, max_keepalive_connections=64),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as often as it is sent."""

    path: str
    query: Mapping[str, str] | None
    body: bytes
    content_type: str


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


def answer_of(response: httpx.Response) -> Answer:
    """Return the answer in `response`; raises ServiceError where it is a failure or nothing documented."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and answer.get("success") is True:
        return answer
    raise failure_of(response, answer)


def failure_of(response: httpx.Response, content: object) -> ServiceError:
    """Return the failure that `response`, parsed as `content`, tells of."""
    status, after_s = response.status_code, retry_after_s(response.headers)
    if isinstance(content, dict) and isinstance(content.get("error_code"), int):
        return ServiceError(status, content["error_code"], str(content.get("error_msg", "")), after_s)
    return ServiceError(status, status * 100, f"not an answer of ModelHub: {response.text[:200]!r}", after_s)


def services_of(response: httpx.Response) -> list[str]:
    """Return the names of the services that an OpenAPI document describes, in its order."""
    try:
        paths = orjson.loads(response.content)["paths"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise failure_of(response, None) from None
    return [path.removeprefix(PREFIX) for path in paths if path.startswith(PREFIX)]


def _headers(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _asking(one: Question, timeout_s: float) -> dict[str, Any]:
    """Return what httpx is told to post `one`."""
    waits = _waits(timeout_s)
    headers = {**waits["headers"], "Content-Type": one.content_type}
    return {**waits, "headers": headers, "params": one.query, "content": one.body}


def _waits(timeout_s: float) -> dict[str, Any]:
    """Return what httpx and the gateway are told of the time that an attempt has."""
    milliseconds = min(LONGEST_TIMEOUT_MS, max(1, int(timeout_s * 1e3)))
    return {
        "headers": {TIMEOUT_HEADER: str(milliseconds)},
        "timeout": httpx.Timeout(timeout_s, read=timeout_s + GRACE_S),
    }


class HttpConnection:
    """The way to one gateway."""

    quick_forms = QUICK_FORMS

    def __init__(self, url: str, token: str | None) -> None:
        self._http = httpx.Client(base_url=url, headers=_headers(token), **_OPTIONS)  # type: ignore[arg-type]

    def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
        """Return what `ask` takes, as `question`."""
        return question(service, pictures, mask_format)

    def ask(self, one: Question, timeout_s: float) -> Answer:
        """Return the answer; raises ServiceError and httpx.TransportError."""
        return answer_of(self._http.post(one.path, **_asking(one, timeout_s)))

    def plain(self, answer: Answer) -> Answer:
        """Return the answer as parsed from JSON, which it is."""
        return answer

    def services(self, timeout_s: float) -> list[str]:
        """Return the names of the services that the gateway documents; raises as `ask`."""
        return services_of(self._http.get("/openapi.json", **_waits(timeout_s)))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


class AsyncHttpConnection:
    """The same without blocking: files are read, and large answers parsed, in threads."""

    quick_forms = QUICK_FORMS

    def __init__(self, url: str, token: str | None) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers=_headers(token), **_OPTIONS)  # type: ignore[arg-type]

    async def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
        """As HttpConnection's."""
        return await asyncio.to_thread(question, service, pictures, mask_format)

    async def ask(self, one: Question, timeout_s: float) -> Answer:
        """As HttpConnection's."""
        response = await self._http.post(one.path, **_asking(one, timeout_s))
        if len(response.content) <= INLINE_BYTES:
            return answer_of(response)
        return await asyncio.to_thread(answer_of, response)

    async def plain(self, answer: Answer) -> Answer:
        """As HttpConnection's."""
        return answer

    async def services(self, timeout_s: float) -> list[str]:
        """As HttpConnection's."""
        return services_of(await self._http.get("/openapi.json", **_waits(timeout_s)))

    async def close(self) -> None:
        """As HttpConnection's."""
        await self._http.aclose()
