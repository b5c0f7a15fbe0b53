"""Where requests are sent, hosted or one's own: URLs, names of services there, what a token is sent as.

A hosted endpoint is `http://<id>.<region>.pai-eas.aliyuncs.com/api/predict/<name>`, where `<name>` is what
the deployment was called, and has a token of its own for each deployment.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum

import httpx

from modelhub.http import PREFIX
from modelhub.results import RESULTS

PLACE = "{service}"
CONTENT_TYPE = "application/octet-stream"
"""As the hosted service's own client sends a body of JSON; both sides get the same."""


SHORTEST_KEY = 8
"""A shorter value in a query is none, and as a part of numbers it would be all over a report."""


class EndpointError(ValueError):
    """What was given does not say where to send requests; the message is a line without tokens."""


class Authorization(StrEnum):
    """What the header of that name holds, where there is a token."""

    PLAIN = "plain"
    """The token itself: what users of the hosted service send by plain HTTP."""
    BEARER = "bearer"
    """`Bearer` and the token."""
    EAS = "eas"
    """The signature that the hosted service's own client makes."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side: `url` has PLACE in it, or is the whole URL of the one service behind it."""

    url: str
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By service; under "" that of all others."""
    authorization: Authorization = Authorization.PLAIN
    names: Mapping[str, str] = field(default_factory=dict)
    """Our names of services by those of this endpoint, as far as they differ."""

    @property
    def shown(self) -> str:
        """The URL for people, without anything that might be a secret: who asks, and the query."""
        url = httpx.URL(self.url.replace(PLACE, "SERVICE"))
        return str(url.copy_with(username=None, password=None, query=None)).replace("SERVICE", PLACE)

    @property
    def only(self) -> str | None:
        """The one service behind this endpoint, by our name where we know that; None where there are more."""
        if PLACE in self.url:
            return None
        name = httpx.URL(self.url).path.removeprefix(PREFIX)
        return self.names.get(name, name)

    def target(self, service: str) -> httpx.URL:
        """Return the URL of one of our services."""
        theirs = {ours: name for name, ours in self.names.items()}
        return httpx.URL(self.url.replace(PLACE, theirs.get(service, service)))

    def headers(self, service: str, body: bytes, now: datetime) -> dict[str, str]:
        """Return the headers of a request; `now` is signed where the endpoint wants signatures."""
        common = {"Content-Type": CONTENT_TYPE}
        token = self.tokens.get(service, self.tokens.get("", ""))
        if not token:
            return common
        match self.authorization:
            case Authorization.PLAIN:
                return common | {"Authorization": token}
            case Authorization.BEARER:
                return common | {"Authorization": f"Bearer {token}"}
            case Authorization.EAS:
                return common | _signed(token, body, self.target(service).path, now)

    def secrets(self) -> frozenset[str]:
        """Return what must not be written down: tokens, a password, and what of a query may be a key."""
        url = httpx.URL(self.url)
        keys = (value for value in url.params.values() if len(value) >= SHORTEST_KEY)
        return frozenset({*self.tokens.values(), url.password, *keys} - {""})


def endpoint(
    url: str,
    tokens: Iterable[str] = (),
    authorization: Authorization = Authorization.PLAIN,
    names: Iterable[str] = (),
) -> Endpoint:
    """Return the endpoint at `url`. Raises EndpointError.

    `url` is the root of a host, which gets the documented path; or a URL with `{service}` where the name
    goes; or the whole URL of one service. `tokens` are `TOKEN` or `SERVICE=TOKEN`, `names` are `THEIRS=OURS`.
    """
    return Endpoint(_template(url), _tokens(tokens), authorization, _names(names))


def root(url: str) -> str:
    """Return the URL of a host alone. Raises EndpointError for any other."""
    template = _template(url)
    if template != url.rstrip("/") + PREFIX + PLACE:
        raise EndpointError("http(s)://HOST[:PORT] is needed, without a path")
    return url


def _template(url: str) -> str:
    try:
        parsed = httpx.URL(url.replace(PLACE, "SERVICE"))
    except httpx.InvalidURL:
        raise EndpointError("an endpoint is given that is no URL") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise EndpointError("an endpoint is a URL that begins with http:// or https:// and a host")
    if PLACE in url:
        return url
    if parsed.path.startswith(PREFIX) and len(parsed.path) > len(PREFIX):
        return url
    if parsed.path.strip("/") or parsed.query:
        raise EndpointError(
            f"{parsed.path!r} is no service's path; write {PREFIX}NAME, or {PLACE} where the name goes"
        )
    return url.rstrip("/") + PREFIX + PLACE


def _tokens(given: Iterable[str]) -> dict[str, str]:
    tokens: dict[str, str] = {}
    for text in given:
        service, equals, token = text.partition("=")
        # A token is often Base64 and ends with "=": only what begins with a service's name is of one service.
        if not (equals and service in RESULTS):
            service, token = "", text
        if not (token.isascii() and token.isprintable()) or " " in token or service in tokens:
            raise EndpointError("a token is visible ASCII, and there is one for each service or for all")
        tokens[service] = token
    return tokens


def _names(given: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for text in given:
        theirs, _, ours = text.partition("=")
        if not theirs or ours not in RESULTS:
            raise EndpointError(f"{text!r} is not NAME=SERVICE; services are {', '.join(RESULTS)}")
        names[theirs] = ours
    return names


def _signed(token: str, body: bytes, path: str, now: datetime) -> dict[str, str]:
    """Sign as the hosted service's own client: HMAC-SHA1 of method, MD5, type, date and path by lines."""
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    date = format_datetime(now.astimezone(UTC), usegmt=True)
    message = "\n".join(("POST", md5, CONTENT_TYPE, date, path)).encode()
    signature = base64.b64encode(hmac.digest(token.encode(), message, "sha1")).decode()
    return {"Authorization": f"EAS {signature}", "Content-MD5": md5, "Date": date}
